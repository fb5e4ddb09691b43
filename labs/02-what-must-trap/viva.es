# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
2.1 | census | ([0-9]+) innocuous.* ([0-9]+) violates | Tu clasificador encuentra \1 formas inocuas y \2 que infringen el teorema. FTST falla cuando CR0.TS está activo: ¿por qué está pese a ello entre las primeras y no entre las segundas?
2.2 | census | SMSW m +violates +([A-E]+) in ([a-z0-9,]+) | SMSW m infringe por \1, en \2. ¿De dónde viene cada letra, y vale cada una en todos esos modos?
2.3 | translate | ([0-9]+) instructions patched | Tu traductor parcheó \1 instrucciones. ¿Cómo sabe que la siguiente empieza donde dices, y qué habría en un núcleo que lo hiciera falso?
2.4 | translate | ([0-9]+) traps by a patch, ([0-9]+) by the processor | \1 trampas por un parche, \2 del procesador. Nombra una instrucción de la segunda clase que el núcleo ejecuta cien veces. ¿Qué costaría parchearla también?
2.5 | translate | POPF, all flags +(right) | «POPF, all flags» sale \1 en tu ejecución. ¿Dónde quedó el IOPL 3 después de ese POPF, y qué habría pasado si hubiera llegado al procesador?
2.6 | right | ([0-9]+) questions, a right machine | Tu sondeo hace \1 preguntas. ¿A cuál de ellas podría responder que no una máquina correcta de otro fabricante, y cómo sabes que no lo hace?
