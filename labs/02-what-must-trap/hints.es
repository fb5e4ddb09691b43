# 2.1

Toma tres formas del censo cuya respuesta conozcas de antemano: una que lea GDTR, una que pregunte si un segmento se puede leer, una de la FPU. Mira qué hay detrás de sus ocho resultados en el fichero `census` y di en voz alta qué significa cada entrada.

Una entrada habla de una diferencia, y no toda diferencia revela algo. Una instrucción que un estado desactiva no le dice a quien la ejecuta más que eso, que falla; lo que calcula es lo mismo. Hay una clase de estados que es la excepción, y el contrato la nombra.

Tres preguntas por entrada, en este orden: ¿es siquiera de este modo? ¿Es su estado de protección? ¿Hizo algo la forma tanto antes como ahora? Solo después de la tercera importa si el estado es el de un dispositivo.

# 2.2

La función se llama una vez por cada modo de usuario, uno tras otro, con el mismo veredicto. ¿Qué debe quedar al final de lo que encontró una llamada anterior?

Dos cosas son independientes: si la forma infringe el teorema en este modo, y en qué estados deja de fallar o empieza a hacerlo. Lo segundo interesa también en las formas inocuas.

Tres miembros del veredicto son máscaras, y cada una acumula: modos, reglas, estados. La clase no es una máscara, y solo la cambia una infracción. Fíjate en cuál de los dos resultados de una entrada es el del primer estado.

# 2.3

Desensambla a mano el principio de kernel.S: cinco instrucciones con sus longitudes. ¿Qué te dice dónde empieza la sexta? ¿Qué saldría mal si se buscara el byte 9C?

Lo que se anota debe servir más tarde, en una trampa, cuando el primer byte ya no está: ¿qué instrucción era, qué longitud tenía y dónde estaba? Mira cómo encuentra patch_at() una entrada, y desde dónde se la llama.

Hay dos finales infelices: una instrucción que no se puede descodificar y una tabla llena. Ambos dejan el código parcheado hasta ahí. Los bytes que siguen a la última instrucción son datos, y ninguna instrucción debe descodificarse más allá de ellos.

# 2.4

Imprime las formas del censo que infringen el teorema en el modo l3 y tacha: lo que un núcleo de 64 bits no tiene, lo que fallaría con selectores del anillo 0, lo que solo cambia de una vez a otra, lo que no muestra nada que el monitor guarde aparte.

Once operaciones del descodificador son sensibles sean cuales sean sus operandos. En una más deciden los operandos: ¿de dónde viene el valor?

Se comprueba tanto el número de parches como las respuestas. Si todas las respuestas son correctas y el número es demasiado alto, se parchea algo que el procesador ya hace saltar por sí mismo.

# 2.5

Escribe para cada bit de RFLAGS de quién es mientras el huésped se ejecuta: del huésped, de la CPU virtual o del monitor. PUSHF es entonces una suma de dos de ellos, y POPF un reparto entre dos.

Los RFLAGS del marco vuelven al procesador con IRET, que el monitor ejecuta en CPL 0: valdrán los IF e IOPL que allí haya, sean los que sean. El procesador no te protegerá de ti mismo.

La pila crece hacia abajo, y el tamaño del operando dice cuánto. Con dos bytes POPF no sabe nada de los bits por encima del 15, así que no puede activarlos ni desactivarlos: ¿cuáles de los indicadores compartidos están ahí?

# 2.6

Empieza por lo que sabes que es correcto: ¿qué instrucciones salen hacia el hipervisor (`vm list` muestra cuántas de cada clase), y qué promete el manual de cada una además de su efecto principal?

Los errores viven en los bordes: bits reservados que deben provocar un fallo, bits de CPUID que siguen a otro registro, registros de los que una instrucción solo cambia una parte, cosas que se ofrecen y no están, o que están y no se ofrecen.

RT_TRY y rt_wrmsr te dicen que algo falló; comprueba también el vector. Si la máquina correcta da la alarma, pregúntate si el manual lo promete de verdad o si es solo lo que hace la mayoría de los procesadores: un MSR que no existe, por ejemplo, puede callar en un emulador.
