# 3.1
Son dos preguntas: ¿tiene este procesador la extensión?, y ¿tiene paginación anidada? ¿Qué hojas de CPUID lo dicen, y cuál hay que preguntar primero?

En VT-x la mayor parte de las respuestas no está en CPUID, sino en registros de capacidades, y los más nuevos solo existen si uno más antiguo lo dice.

Un procesador puede tener la extensión sin paginación anidada. La frase que devuelves tiene que permitir distinguir los dos casos: nombra lo que falta.

# 3.2
Esto se hace una vez en cada procesador. Haz una lista de lo que pertenece a un procesador y lo que pertenece a toda la máquina.

En AMD-V el procesador guarda nuestro propio estado en algún sitio mientras corre un huésped; en VT-x quiere una región que empiece por un número de revisión. ¿Quién más usa esa memoria?

Hay que escribir dos registros antes de la primera instrucción de virtualización, y en este orden: el que la permite y el que dice dónde. Lee otra vez la última frase del contrato: qué hay que recordar.

# 3.3
Toma la lista de intercepciones del manual y pregúntate en cada una: si no hubiera salida, ¿lo notaría el huésped, o perderíamos el control?

Algunas tienen que estar puestas para que la entrada se acepte. En VT-x, los registros de capacidades dicen qué bits tienen que valer 1 y cuáles pueden; hay una función que ajusta tu deseo a ellos.

No interceptes lo que el huésped puede hacer solo: sus fallos de página, su CR3. Cada salida de más cuesta instrucciones, y las comprobaciones cuentan salidas.

# 3.4
Ordena los campos por aquello de lo que tratan: qué memoria ve el huésped, qué se enmascara, dónde están los mapas de puertos y de registros.

El procesador quiere direcciones físicas en todas partes. ¿Qué función del anfitrión convierte un puntero en una?

Dos cosas tienen un bit propio que se olvida fácilmente: la propia paginación anidada, y de quién es el indicador de interrupciones que decide cuándo entra una interrupción del anfitrión.

# 3.5
El estado neutro no tiene fabricante. ¿Cuáles de sus miembros tienen un campo propio en el bloque de control y cuáles se componen de varios?

Algunos bits tienen que estar puestos por el procesador aunque el huésped nunca los puso, y el huésped no debe verlos. Hay uno en EFER, y otros en CR0 y CR4.

Si la entrada se rechaza, la línea que se imprime nombra el campo y la regla. Si el huésped muere en cuanto activa la paginación, busca un miembro que nunca escribiste.

# 3.6
Antes de la entrada hay que terminar la última salida: el huésped espera su respuesta. ¿Qué te deja por hacer el código común?

Tres grupos de registros: los que el procesador cambia por sí mismo, los que tienes que cargar y guardar tú, y los que solo cambian con cada huésped.

Después, rellena la salida antes de que nada pueda sobrescribir lo que dejó el procesador, y no olvides lo que se estaba entregando cuando llegó la salida.
