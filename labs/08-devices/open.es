# 8.7
2 predicciones escritas antes, con su razón, para cada parte; al lado, los números medidos
3 varias peticiones con un solo aviso: qué se cambió en rings.S, la pantalla, salidas por kilobyte antes y después
2 por qué también hay que aligerar el camino de vuelta, y qué puede decir el índice de evento que un bit no puede
3 una tarjeta real en manos del huésped: qué comprobaciones de esta práctica sustituye la IOMMU, cuáles no, y qué añade una función virtual de SR-IOV
