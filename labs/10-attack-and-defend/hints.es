# 10.1

Un color tiene tres partes, y el índice las cuenta. ¿Quién lo devuelve al rojo, y en qué caminos por write_dac no lo hace nadie?

Hay dos puertos de dirección, uno para leer colores y otro para escribirlos. ¿Qué hace write_dac de otra manera después del de
lectura? ¿En cuál de los dos hay que escribir el último para que el índice crezca de byte en byte?

Elige los últimos colores, para que lo que haya detrás no sea ningún color. Pide a gdb que muestre struct vga: ¿qué es lo primero,
detrás de la paleta, que el hipervisor sigue cuando algo cambia en la pantalla? Escribe lo bastante para cubrirlo, y cambia después un
registro de la pantalla.

# 10.2

Anota los valores que puede tener dac_part antes y después de un byte, una vez por cada camino a través de la función.

El contrato no distingue entre una dirección fijada para leer y una fijada para escribir. El cuerpo, sí.

No basta con proteger la escritura: el byte siguiente también tiene que encontrar rojo, verde o azul. El índice vuelve después del
azul, sea quien sea quien fijó la dirección.

# 10.3

El registro n del x2APIC es el MSR 0x800 + n, y esta máquina tiene que activarlo antes de que responda.

read_row trata tres filas como una sola, y nadie pregunta dónde acaba. Un registro son cuatro bytes de ella.

gdb escribe el lugar de lapic.isr y el de sched.weight dentro de struct vcpu. La diferencia, contada en registros y sumada al número
del primero de ISR, es tu MSR. Deja que la función de frame.h te diga si la lectura dio un fallo y, si lo dio, no digas nada.

# 10.4

La tabla 12-1 tiene vacíos. ¿Qué hace una CPU a la que se le pide un registro que cae en uno de ellos?

Hay que encontrar dos filas, y cada una tiene un primer número y un último. Pregunta por los dos extremos de cada una.

La fila de las interrupciones pendientes acaba donde empieza el estado de errores; lo que hay entre este y la tabla local de vectores
no es ningún registro, dé lo que dé el array.

# 10.5

A map_chunk se la llama cuando un trozo se toca por primera vez. ¿De qué trozo asigna más de lo que tiene?

Un huésped sin PAE tiene páginas grandes de 4 MiB; el atacante tiene 6 MiB de RAM. Toca lo más cercano al final, y mira después detrás.

El vecino tocó su página poco antes de que tú tocaras la tuya, y el anfitrión reparte su memoria desde arriba. Su página es una de 512;
cualquiera puede empezar con la etiqueta de neighbour.c. Detrás de la etiqueta viene el secreto, y detrás de él, el contador.

# 10.6

Aquí tienen un final dos cosas: las direcciones del huésped y la memoria que hay en host. ¿Cuál de las dos decide cuánto puede
asignarse?

El trozo siguiente en las direcciones del huésped puede ser del huésped, y no ser, aun así, la memoria que sigue a host.

La función recibe un trozo. Con la puerta A20 abierta necesita una sola llamada, y ninguna aritmética; el otro camino es para el primer
trozo y para la puerta cerrada, y ya era correcto.

# 10.7

¿Quién escribe en la memoria de una máquina, además de sus CPU?

Los datos de una petición pueden estar en cualquier lugar de tu RAM. Nadie dice que no puedan estar encima de la cabecera de esa misma
petición.

El disco tiene que moverlos en más de un paso: trozos que no sean sectores enteros, y más de una página de ellos. Escribe primero en el
disco lo que debe quedar en la cabecera cuando el primer paso haya puesto allí los datos; el sector que pides al principio es uno bueno.

# 10.8

¿Qué valores de next_request vienen de la ranura (slot), y cuáles de memoria que el huésped puede escribir?

transfer() miró el sector una vez, y lo guardó. No ha podido mirar lo que alguien escriba más tarde.

Cada paso necesita el mismo comienzo y otra distancia desde él. Los dos están en la ranura; la distancia está en bytes.

# 10.9

Un huésped dice un índice por el puerto 0x70, otro por el 0x510, varios por el 0x3ce; y dice una longitud con cada descriptor. ¿Qué
hace cada dispositivo con uno demasiado grande?

Para encontrar una lectura que va demasiado lejos hay que saber qué muestra ahí el hardware real: cero, otra vez lo mismo, nada en
absoluto. Compara, y da la alarma solo si hay una diferencia. Lo que cambia por sí mismo, un reloj, no es una diferencia.

Cuatro lugares donde vale la pena mirar: lo que sigue al último byte de un elemento; lo que muestra un índice con un bit más; cuánto se
llena de un búfer cuando se pide un nombre de 20 bytes; y lo que muestra una ventana el doble de grande que la memoria que hay detrás.
