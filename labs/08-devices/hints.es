# 8.1
Dibuja una tabla: ocho puertos y, para cada uno, qué se escribe ahí con DLAB a cero y con DLAB a uno. Solo dos filas cambian.

Casi todas las filas son una llamada a una función que está más arriba. Antes de mirar siquiera el número de puerto, piensa en los accesos que no ocupan un byte: ¿quién los divide, y con qué tamaño vuelven?

Los dos bytes del divisor llegan uno tras otro, en cualquier orden, y cada uno debe dejar el otro como está. Un puerto en el que no hay nada que hacer solo necesita que se lo conozca.

# 8.2
Es una lista enlazada, pero quien la escribió puede querer que te salgas por el final, o que nunca llegues a él. ¿Qué hay que saber de un número antes de convertirlo en una dirección?

Dos cosas terminan el recorrido, por las buenas o por las malas: un descriptor sin sucesor y una cola rota. Una tercera tiene que terminarlo cuando todos los números están en orden y el final no llega. ¿Cuántos puede tener, como mucho, una cadena honrada?

Cuenta los descriptores que sigues y compara antes de leer el próximo: una cadena tan larga como la tabla todavía es honrada. Un descriptor indirecto se sigue como otro cualquiera; solo que es otro quien añade aquello que representa.

# 8.3
Primero las cuatro reglas, como cuatro preguntas sobre números que ya tienes delante; la primera que no se cumple pone el final. Cuidado con las sumas de 64 bits y con las de 32.

Después, corta el intervalo en cada frontera. ¿Cuánto falta desde una dirección hasta la frontera siguiente, y cuánto queda por describir del búfer? El trozo es el menor de los dos.

Lleva un solo número: cuánto está hecho. De él salen la dirección y el resto. Si quien incumple una regla es una función a la que llamas, se ve en la cola, no en lo que devuelve.

# 8.4
Hay dos cosas que hacer, mostrar y preguntar, y todo el ejercicio está en el orden. ¿Qué falla si el deseo del controlador se leyó un instante antes de tiempo?

Necesitas lo que idx decía antes, lo que ha de decir ahora y un sitio donde recordarlo para la próxima vez. Todos los búferes entregados desde entonces se hacen visibles a la vez.

De las dos maneras de desear, un bit o un número, cuenta la negociada; la otra ni se mira. Más arriba hay una función que responde a la pregunta del número; averigua cuál de sus argumentos es cuál.

# 8.5
Apunta de quién es cada byte de la cadena: cabecera, datos, estado. El controlador puede cortarla en descriptores como quiera, así que cuenta bytes y no segmentos.

Todo lo que la ranura (slot) recuerda es de su último usuario. Recorre su estructura campo por campo: ¿cuáles hay que poner aquí, y cuáles ponen las funciones a las que llamas?

El estado es un byte, el último del último segmento. Lo que queda de los bytes que se pueden escribir es el sitio de una lectura; lo que queda de los que se pueden leer son los datos de una escritura.

# 8.6
Dos preguntas: ¿sigue esta tarjeta donde creemos, y es este remitente quien dice ser? Las dos se responden con el cerrojo echado.

Las direcciones de grupo son para destinatarios. Averigua qué devuelve learn y cuándo, y procura no preguntarle por un remitente al que de todos modos nadie puede creer.

La función tiene tres salidas, y en dos de ellas hay un cerrojo echado poco antes. El contador de la tarjeta está en el enlace, cuyo cerrojo se echa después del nuestro, o sin él.
