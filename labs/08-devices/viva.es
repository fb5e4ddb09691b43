# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
8.1 | registers | wide: ([0-9a-f]+), ([0-9a-f]+) | Tu ejecución muestra wide: \1, \2. El primer OUT llevaba cuatro bytes: ¿a qué registros fueron, cuáles no tuvieron efecto, y quién llamó a tu función para cada uno?
8.2 | rings | one as long as the queue: served, data ([0-9]+) | Llegaron \1 bytes por una cadena tan larga como la cola. ¿Qué compara tu función cuando ha leído el último descriptor, y adónde habría llevado uno más?
8.2 | rings | disk 0 needs a reset: (a chain of descriptors loops) | El operador lee «\1». ¿Tras cuántos descriptores lo supiste, qué puede leer o escribir ese disco a partir de entonces, y qué es del huésped?
8.3 | data | a buffer over a border: served, data ([0-9]+) | Llegaron \1 bytes a ambos lados de una frontera de la RAM. ¿En cuántos segmentos, de qué longitud cada uno, y qué línea tuya lo dice?
8.4 | notify | three at once: used ([0-9]+), ISR ([0-9a-f]+) | Tu ejecución muestra used \1, ISR \2 para tres búferes. ¿Por qué una sola interrupción, y qué podría salir mal si hubieras leído el deseo del controlador antes de escribir \1?
8.4 | notify | index 2, past it: used ([0-9]+), ISR ([0-9a-f]+) | Con el índice 2 tu ejecución muestra used \1, ISR \2, aunque los indicadores prohibían interrumpir. ¿Qué decía idx antes, y cómo averiguas que se pasó por el 2 cuando idx da la vuelta?
8.5 | requests | read: status 00, written ([0-9]+) | Se escribieron \1 bytes para un sector de 512. ¿Cuál es el que sobra, quién lo escribió, y dónde está si el controlador da un solo búfer para todo?
8.6 | frames | liar +sent ([0-9]+) .*refused ([0-9]+) | liar envió \1 tramas, y se rechazaron \2. ¿De quién decían venir esas dos, a quién más habrían dañado, y dónde están contadas?
