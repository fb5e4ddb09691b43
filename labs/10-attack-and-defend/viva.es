# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
10.1 | open | PANIC on CPU 0: (#[A-Z]+) .vector | Tu ataque acabó en \1. ¿Con qué instrucción del hipervisor, en qué función, y qué siguió que fuera tuyo?
10.2 | repair | colours between reads ([0-9]+) of 2 | \1 de 2 colores salieron bien entre lecturas. ¿Cuánto vale dac_part después de cada byte con tu código, y quién más lo mueve?
10.3 | open | my weight is ([0-9]+) | Tu huésped dice que su peso es \1. ¿Qué MSR leyó, cómo calculaste ese número, y qué habría mostrado un registro antes?
10.4 | repair | registers that are not there ([0-9]+) of 256 | Con tu read_row, \1 números de 256 no son registros. Nombra uno que esté entre dos filas. ¿Qué aprende un sistema del fallo que recibe ahí?
10.5 | open | the secret is ([0-9a-z]+) | Tu huésped leyó \1 y cambió un contador que estaba al lado. ¿Qué página tuya tocaste antes, y por qué esa asignó la del vecino?
10.5 | closed | nested fault ([0-9][0-9]+) | En el hipervisor cerrado tu xsa-148.c causó \1 fallos anidados. ¿Quién respondió a cada uno, y con qué?
10.6 | repair | nested fault (11) | El huésped corriente tuvo \1 fallos anidados con tu map_chunk. ¿Cuáles de sus accesos cuestan uno, y por qué no basta una llamada a virt->map mientras la puerta A20 está cerrada?
10.7 | open | sectors at ([0-9]+) do not lie in ([0-9]+) | Tu petición era para el sector \1 de un disco de \2. ¿Dónde estaba ese número cuando se comprobó, quién lo escribió ahí, y qué había antes en su lugar?
