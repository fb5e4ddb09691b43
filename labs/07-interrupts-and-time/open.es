# 7.7
4 una ejecución propia, con sus números, en la que ticks=steady pierde tics de un huésped que se detiene (HLT) entre ellos
3 por qué: dónde está el tic que se dio y nadie tomó (el IRR de qué controlador, en qué momento de la espera por una CPU)
3 un remedio con su precio: quién tendría que avisar al temporizador de que se tomó un tic, y qué cuesta eso en cada tic; o una razón para dejarlo al huésped
