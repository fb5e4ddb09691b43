# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
7.1 | pic | nested: (S.T.S) | Tu ejecución muestra \1: ¿qué línea de tu función hizo esperar a la segunda S hasta el paréntesis de cierre?
7.2 | lapic | level: (L+) | Tu ejecución muestra \1 por una sola línea del UART. ¿Qué pasó entre dos de ellas, y a quién se avisó?
7.3 | cpu | both: (N.*a) | Tu ejecución muestra \1. ¿Dónde estaba a mientras se entregaba el segundo NMI, y qué pediste a la CPU para ella?
7.4 | cpu | interrupt window ([0-9]+) | \1 salidas de tu ejecución fueron ventanas de interrupción. Elige una: ¿quién la pidió, y cuándo se retiró?
7.5 | beside-apic-merge | ticks ([0-9]+) of 100 | Llegaron \1 de 100 tics. ¿Qué fue de los demás, y cómo sabe el siguiente su hora?
7.6 | beside-pit-steady | ticks ([0-9]+) of 100 | Llegaron \1 de 100 tics, aunque el huésped no tuvo CPU un tercio del tiempo. ¿Qué línea de tu política los mantiene separados?
