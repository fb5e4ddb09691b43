# 7.1
Hay dos conjuntos: quiénes piden y a quiénes se está atendiendo. ¿Qué hay que quitar de cada uno antes de comparar nada?

Que una entrada vaya antes que otra no depende solo de su número: el huésped puede rotar el orden. Dos funciones auxiliares, más arriba, saben cómo: una encuentra la primera de un conjunto, la otra dice cuánta prioridad tiene.

Con igualar no basta: una fuente que se está atendiendo no debe interrumpir su propia rutina. El modo de máscara especial cambia el conjunto de las que se atienden; el modo especial totalmente anidado le quita un bit, en uno de los dos chips.

# 7.2
El registro EOI no dice nada de un vector. Si las rutinas se interrumpen unas a otras como paréntesis, ¿cuál de los que se atienden tiene que ser?

Una fuente disparada por nivel avisó una vez a su controlador, y calla hasta que sabe del final. Dos controladores pueden estar esperándolo. ¿Qué te dice que el vector era de esos?

La petición de una clase inferior pudo estar esperando todo el tiempo, y LINT0 puede seguir en alto. Después del final hay que mirar las dos cosas, en todo caso, y hay funciones para ello.

# 7.3
Escribe todo lo que puede estar pendiente en este momento, en el orden de irq.h, y recórrelo una vez desde arriba. Como mucho uno de ellos entra en el huésped: ¿qué pasa con los demás?

No tomes una interrupción de su controlador antes de saber que la vas a inyectar: una vez tomada, está en servicio. Y después pregunta de nuevo si espera otra.

Una ventana es un deseo, y cuesta una salida. Alguien espera porque no se le pudo entregar ahora, o porque se entregó a otro. Compara los deseos con los de la última vez antes de llamar a nadie.

# 7.4
Son dos preguntas: ¿hay ya una ventana abierta, o debe avisar la CPU cuando se abra? En VT-x solo la segunda es tuya.

En AMD-V sigue en su orden los pasos numerados del contrato, y calcula antes cada condición en una variable propia: miran un estado que los pasos posteriores cambian.

Un evento inyectado cierra todas las ventanas, pues va primero, y termina una sombra. Un NMI bloqueado no pide nada. En VT-x, los controles están en dos sitios: ¿cuál vale mientras el VMCS no está en ninguna CPU?

# 7.5
¿Cuándo no hay ningún vencimiento próximo? Aparta primero esos casos; cada modo tiene los suyos.

Dibuja la recta de los vencimientos periódicos desde el comienzo y marca en ella timer_told. ¿Cuál es el primero detrás de la marca? Cuesta una división, y ninguna suma sobre los periodos pasados.

Toma todos los tiempos como diferencias con timer_start, que puede haber dado la vuelta. Si el periodo es demasiado corto, es como si la marca estuviera más adelante: ¿cuánto, para que el que encuentras nunca esté demasiado cerca?

# 7.6
Lo que ha vencido y lo que se ha dado: una política debe distinguir las dos cosas. ¿Dónde dice el contrato que un tic perdido pasa a deberse, y quién resta uno de lo debido?

Hay una frase que limita cualquier respuesta, se deba un tic o no: la distancia al último que se dio. Calcula primero ese momento.

Si se debe un tic no hay razón para esperar más que eso. Si no se debe ninguno, el siguiente no puede llegar antes de vencer. No des un tic vencido al lado de uno debido: el temporizador te lo cuenta como perdido.
