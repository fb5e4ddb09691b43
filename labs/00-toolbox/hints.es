# 0.1
¿Muestra la línea de puzzle en la consola tu semilla? Los números del enunciado son los de otra.

El intérprete de órdenes cuenta las salidas de cada máquina por su causa. La línea que interesa empieza por «exits:».

# 0.2
Los recuentos por causa no dicen nada del orden. ¿Qué conserva el orden?

En el intérprete de órdenes, `trace puzzle 400` muestra todas las salidas de puzzle, una por línea; en la línea de tiempo, cada una es un tramo. Busca el segundo CPUID, y el tercero.

# 0.3
Cada salida por un puerto tiene un parámetro, `info`. Compara los de un puerto que ya conoces, como 0x3f8, la línea serie.

Las tres últimas cifras son el puerto; lo que va delante, el tamaño del acceso. Hay un puerto que aparece una sola vez y que no es de los que nombra el enunciado.

# 0.4
El hipervisor se ejecuta entre dos pasos del huésped: detenlo ahí. `to-hypervisor` te lleva a la función que atiende una salida, y su argumento v es la CPU virtual.

Un punto de ruptura puede tener una condición: que la salida sea por un puerto, y que el puerto sea el de 0.3. `print v->exit` muestra cómo se llaman sus partes.

Los registros del huésped están en v->regs.r, uno detrás de otro; sus nombres empiezan por REG_.

# 0.5
El mismo programa se ejecuta como huésped y en la máquina real. ¿Qué palabra de su línea de órdenes hace que sean dos?

Deja que tools/run arranque pair.elf mismo, no el hipervisor, con `--append`. La respuesta es la primera línea, letra a letra, con sus espacios.
