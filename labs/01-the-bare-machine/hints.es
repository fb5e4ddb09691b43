# 1.1
Dibuja los cuatro niveles para una dirección, por ejemplo 0x400000, cuando aún no existe ninguna tabla. ¿Qué es lo primero que falta, y qué hay que escribir, y dónde, antes de poder seguir?

Una tabla tiene dos direcciones. El núcleo sigue una y el procesador la otra, y solo una de ellas debe estar en una entrada. Hay una función auxiliar para cada sentido, en page.h y al principio de space.c.

Los permisos de un acceso son los que todos los niveles tienen en común: una tabla no debe ser más estricta que lo que pueda haber debajo. ¿Qué niveles son tablas si `last` es 2? Y no tomes una página antes de saber que la necesitas.

# 1.2
Eres el procesador: tienes CR3 y una dirección. Escribe para 0xffff800000400000 qué lees, en qué orden, y por qué te detienes.

Hay dos razones para detenerse, y las dos pertenecen a la entrada que acabas de leer. Por eso primero se anota y después se juzga.

El bit que hace grande una página significa eso en solo dos de los cuatro niveles. La tabla de cada paso se pide tal como la conoce el procesador.

# 1.3
Pregunta por la dirección lo que preguntaría el procesador si accediera el propio programa: ¿es memoria de usuario?, ¿hay página?, ¿puede llegar el modo usuario?, ¿puede escribir?

La página puede estar prometida y no estar. Entonces decide otra función; después hay que volver a preguntar, no suponer.

La entrada da una página física; el byte está en algún lugar dentro de ella. Y una página del núcleo, aunque esté proyectada, no es del programa.

# 1.4
Separa los fallos de `faulter` en dos montones: aquellos en los que una página serviría y aquellos en los que no debe llegar. ¿Qué tres hechos los distinguen?

No se toma nada antes de tener claro que hay derecho a ello. Lo que el área permite y lo que el acceso quiere lo dicen bits distintos: hazte una tablita con ambos.

Dos cosas pueden fallar por falta de memoria, una detrás de otra: la página y las tablas para proyectarla. ¿Qué se debe tras la segunda?

# 1.5
¿En qué registros pone el programa cada cosa, y dónde busca el resultado? El código de syscall_entry.S los ha puesto todos en el marco.

Un registro tiene 64 bits, y todos son del programa. ¿Qué hace tu comparación con -1, o con 4294967297?

Lo que cambia quién debería ejecutarse hay que atenderlo antes de salir del núcleo: es una sola llamada, y está entre el resultado y el cerrojo.

# 1.6
Cuatro partes pueden responder de una excepción: el manejador de un dispositivo, el programa que la causó, alguien del núcleo que la esperaba, o nadie. El orden importa. ¿Por qué?

El fallo de página de un programa tiene dos finales. Uno de ellos es, simplemente, volver.

El marco sabe de dónde viene: trap.h tiene una función para eso. CR2 solo vale algo para un vector.
