# 5.1

Dibújalo: una línea para el intervalo y, encima, las entradas de esta tabla, cada una con su primera y su
última dirección. ¿Dónde cruza el intervalo la frontera entre dos de ellas? Cada trozo entre dos fronteras
es una vuelta del bucle.

Una entrada acaba en el siguiente múltiplo de su tamaño, empieces donde empieces dentro de ella; el
intervalo puede acabar antes. El menor de los dos es donde empieza la vuelta siguiente, y también donde
tiene que parar la tabla inferior.

Son cuatro casos y tres preguntas: ¿hay algo?, ¿es una hoja?, ¿cabe el trozo en una sola entrada? Primero
va el agujero que nadie quiere llenar. Si ningún caso entrega la entrada a piece(), al final hay una tabla
inferior, de un modo o de otro; pero el valor que leíste antes de split o de fill ya no es el que está en
la entrada.

# 5.2

Pon la tabla de bits del manual al lado de las constantes de hv/x86.h (AMD-V) o de hv/intel/vmcs.h (VT-x)
y pregunta por cada bit: ¿quién lo quiere, en qué nivel, para qué derecho?

No todo derecho es un bit puesto a uno: uno de los dos formatos tiene un bit que prohíbe. No todo bit
significa lo mismo en todos los niveles. Y la CPU del huésped puede recorrer estas tablas como alguien con
menos derechos de los que crees.

AMD-V: el recorrido anidado cuenta como un acceso de usuario; el bit de página grande solo existe por encima
del nivel 0; que algo no se pueda ejecutar tiene un bit propio. VT-x: el tipo de memoria 0 no es el que
quieres, y a su lado hay un bit que dice quién manda sobre él; escribir sin poder leer está prohibido, así
que de cualquier derecho se sigue el de lectura.

# 5.3

Anota, para cada huésped de esta práctica, a qué accede que pueda fallar: memoria que nadie ha tocado,
memoria que solo se puede leer, una pantalla, nada en absoluto. ¿Cuál de las tres respuestas necesita cada
una?

¿Qué pasa después de 0? El huésped ejecuta otra vez la misma instrucción. Por tanto 0 solo es correcto si
para entonces las tablas lo permiten; si no, vuelve a fallar, para siempre. Lo que pasa después de
-HOST_ENOENT está en vm/handle.c.

Leer y escribir pueden tener respuestas distintas en la misma dirección: mira primero view.read, y
view.write solo si ACCESS_WRITE está entre los bits del acceso. La ventana no es RAM, pero escribir en ella
no es motivo para emular: se anuncia. El número del bloque (chunk) cuenta bloques, desde donde empieza su
ranura (slot).

# 5.4

Haz el recorrido a mano, con lápiz y con las entradas que escribe `walk marks 0x5ff123`. ¿Dónde te paras, y
qué tienes entonces en la mano: una entrada, una página, un byte?

El final está en uno de tres sitios: una entrada que no está presente, una página grande, el nivel más
bajo. Cuenta cada entrada que has mirado, también la última, también si no asigna nada.

A una hoja del nivel 0 le faltan doce bits de la dirección que necesitas; a una del nivel 1, veintiuno: los
que faltan vienen de la dirección del huésped. level_size dice cuántos son. Pregunta si una entrada está
presente antes de preguntarle ninguna otra cosa.

# 5.5

Una página grande y 512 pequeñas tienen que ser lo mismo para un huésped que no sabe nada. ¿Qué dice una
entrada además de la dirección? Todo eso tiene que estar en los trozos.

El trozo número n está n páginas pequeñas después del comienzo de la grande, y es una hoja del nivel
inferior. La entrada antigua responde de los derechos y del bit de modificación (dirty); el formato sabe dónde
está ese bit, y algunos no lo tienen.

El orden: llenar la tabla, intercambiar, mirar lo que ha vuelto. Entre tu primera mirada a la entrada y el
intercambio, una CPU puede haber escrito en la página grande; el valor que devuelve el intercambio es la
última palabra de la hoja grande. Si estaba modificada, los trozos quedan modificados, y ahora una CPU puede estar
poniendo ese mismo bit a la vez que tú.

# 5.6

Compara `dirty` antes y después de `protect` sobre una página pequeña. ¿De qué responde un solo bit de
modificación, y en cuántos bits del mapa se convierte?

Ve de entrada en entrada, no de página en página: una entrada a la que preguntas dos veces dice que no la
segunda. ¿Qué distancia hay desde la dirección en que estás hasta el final de su entrada?

El primer trozo puede ser corto, porque el intervalo puede empezar en mitad de una página grande; el último
también, porque puede acabar ahí. Antes de todo eso hay que vaciar el mapa, en las palabras que se usan:
quien llama no tiene por qué haberlo hecho.
