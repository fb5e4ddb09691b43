# 4.7
3 por una predicción de T escrita antes de medir: el coste de una vuelta, sin hipervisor y con él, cuántas veces ocurre cada clase, y la suma
2 por la T medida a su lado, la diferencia en tanto por ciento y una razón de esa diferencia apoyada en las cuentas de `vm list`
2 por explicar por qué dos clases que salen igual (fixed y leaf, o in y load) cuestan tan distinto, con las funciones que se ejecutan en una y no en la otra
2 por decir qué dejan fuera estos números en un procesador real, y para cuál de las clases importa más
1 por un cambio en el huésped, o en la máquina que se le ofrece, con el que el mismo trabajo cueste la mitad
