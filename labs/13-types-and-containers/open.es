# 13.7
3 por una columna para cada uno de los tres inquilinos, razonada con filas de la tabla propia, al menos cuatro en total
2 por lo que la tabla no muestra y de lo que depende la elección (aislamiento frente a fallos del código, tiempo real, densidad, quién mantiene el núcleo)
2 por el código en que se confía, comparado por lo que es y por lo que un inquilino puede invocar de él, no solo por líneas
2 por lo que es KVM en los términos de Goldberg, con una razón que valga para espejo-vm y para Espejo
1 por una observación que haría cambiar la respuesta
