# 10.0
2 la comprobación de store.c, y por qué comprobar lo mismo por segunda vez, por otra mano, no es un derroche
3 un incidente y una manera, con el paso exacto en que el ataque habría fracasado
2 lo que cuesta, y un incidente que no habría evitado, con su razón
1 L1TF: por qué ningún código del hipervisor estaba mal, y qué tiene que hacer de todos modos
