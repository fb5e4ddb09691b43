# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
4.1 | asks-1 | XSAVE area ([0-9a-f]+) ([0-9a-f]+) | El área de XSAVE tenía \1h bytes en tu ejecución, y después \2h. ¿Qué había hecho el huésped entre tanto, y dónde lo busca tu función?
4.2 | asks-2 | honest. 2 bytes ([0-9a-f]+) | EAX vale \1 después de un IN en AL. ¿Cuáles de esos bytes puso tu función, y quién conservó los demás?
4.2 | asks-2 | fixed. 2 calls ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) | Tres escrituras en el puerto 0xec: tu huésped encontró \1, \2 y \3 en EAX. ¿Por qué solo una fue una hiperllamada, y qué fue de las otras?
4.3 | asks-3 | fixed. 3 nobody's ([0-9a-f]+) 0 ([0-9a-f]+) | RDMSR de un registro que nadie tiene: vector \1 en tu ejecución, y EDX vale \2 después. ¿Quién decidió que falla, y por qué vale eso EDX?
4.4 | asks-4 | 4 page ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) | Tu huésped vio el vector \1 con el código de error \2, y \4 en CR2. Ninguna CPU ejecutó esa instrucción: ¿de dónde sale cada número, y cuáles pasaron por tu función?
4.4 | asks-4 | NMI window ([0-9]+) | Tu ejecución tiene \1 salida por una ventana de NMI. ¿Qué evento la esperaba, y qué habría escrito honest sin ella?
4.5 | asks-5 | long mode ([0-9a-f]+) ([0-9a-f]+) | EFER valía \1, y \2 después de un MOV a CR0. ¿Qué bit apareció, y qué hay en tu función que lo quita otra vez y no lo toca cuando solo cambia TS?
4.6 | asks-6 | in 64 bits ([0-9a-f]+) | \1h escrituras en modo de 64 bits llegaron adonde debían. Una de ellas es 41 89 0c 24. Di qué hace tu función con cada uno de esos bytes, y con qué tres bits decide.
