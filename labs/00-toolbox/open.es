# 0.6
5 la predicción, escrita de antemano, con su razón; a su lado la pantalla, y en qué se equivocaba la predicción
5 la línea serie: por qué se alternan las letras, y qué pone un sistema operativo entre los programas y un dispositivo
5 el temporizador: la cuenta de cuál de los dos ha esperado cada uno, y en qué números se ve
5 el final: quién apagó la máquina de quién; qué le da un hipervisor a cada uno que un sistema operativo solo no podría darle
