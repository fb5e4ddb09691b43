# 4.1
Una tabla construida una sola vez dice qué es la CPU de esta máquina virtual. A tu función se la llama
para las pocas hojas cuya respuesta no depende solo de la máquina virtual, sino del momento y de qué
CPU pregunta. Lee la tabla del comentario fila a fila y pregúntate en cada una: ¿quién sabe eso?

Parte de una copia de e->regs y modifica la copia: e la comparten todas las CPU de la máquina virtual, y
lo que escribas en ella se queda. Basta con un switch sobre e->leaf. Lo que contienen ahora los registros
de la CPU se pide con vcpu_state(v, ..): CR4 y EFER pertenecen a una parte del estado, XCR0 a otra.

Los bits tienen nombre al principio del fichero, el estado del LAPIC tiene funciones en dev/lapic.h,
y xsave_size está más arriba, con un parámetro para la forma. En la hoja 0xd mira e->subleaf, y en
la subhoja 1 lo que e->regs ya ofrece. Para SYSCALL lee dos veces «64-bit mode»: el modo largo por
sí solo no lo es.

# 4.2
A un acceso a un puerto le pueden pasar cuatro cosas, y solo una es la habitual. Sepáralas primero;
el orden de las preguntas importa menos que el hecho de que cada acceso reciba exactamente una respuesta.

Dos de las cuatro terminan enseguida. Para la tercera hace falta el cerrojo de la máquina virtual
mientras se usa el bus, y hay que soltarlo antes de seguir. ¿Quién lleva la respuesta de IN al registro
del huésped? Tú no: busca io.value en las carpetas de los fabricantes.

Mira cómo se llaman bus_in y bus_out en dev/bus.h. Después del acceso, pregunta si hay algún punto
de ruptura antes de buscar cuál (las dos cosas están en vm/breakpoint.h). Todos los caminos, salvo el
emulado, acaban en done, que averigua la longitud de la instrucción si nadie se la ha dicho.

# 4.3
La tabla de msr_rules.c ya está escrita; tú solo haces lo que dice. Lee enum msr_kind y apunta junto
a cada clase qué miembro de struct msr_rule contiene la respuesta.

find devuelve la regla, o nada. Dos clases tienen su valor en cpu_state y dos en la propia regla. Una
tiene funciones, y a un registro que solo se puede escribir le falta la de lectura.

Lo que no existe no lo decides tú: read_absent sabe qué hace la máquina de debajo, y su resultado es
el tuyo. Los demás caminos acaban en true, salvo la función, que tiene su propia opinión.

# 4.4
Entregar un evento es pedirle a la CPU que haga lo que hace con una excepción suya: apilar un marco
y cargar la puerta. Tú solo dices cuál. Haz una lista de lo que la CPU no puede saber por sí misma:
tiene tres o cuatro entradas.

Compara struct event, miembro a miembro, con el formato del campo en el manual. ¿Qué miembros significan
algo en todos los tipos y cuáles solo en algunos? Un bloque de control guarda lo que le dejó el evento
anterior: una palabra compuesta de nuevo no tiene memoria; un campo que no escribes, sí.

INT n e INT3 son instrucciones, así que el manejador vuelve detrás de ellas; un fallo vuelve a su propia
instrucción. ¿Dónde se pone en tu fabricante la longitud de la instrucción? En AMD-V el comentario
pide dos cosas más, cada una es una llamada con su condición; en VT-x pide una, y la condición del
código de error no es event->has_error.

# 4.5
Piensa en tres fases: qué se rechaza, cuáles son los valores nuevos, qué cambia. Mientras estés en
las dos primeras, no toques el estado del huésped: una variable local por cada registro que vaya a cambiar.

La palabra «changes» aparece en todas las reglas del comentario: calcúlalo una sola vez, entre el CR0
de antes y el valor tal como se va a guardar. EFER.LMA se deduce del cambio de un bit y del estado de otro.

A pae_paging hay que preguntarle por el futuro, no por el presente, y load_pdptes es lo último que
todavía puede negarse. Después, y solo después, guarda los dos registros, di que ha cambiado la parte
del estado que los contiene y vacía las traducciones si alguno de los bits lo exige.

# 4.6
Coge papel y codifica a mano: MOV de %ecx a (%ebx), a 8(%ebx), a una dirección sin más, a (%esp),
a una tabla en una dirección fija con índice %edx. Escribe los bytes unos debajo de otros: ¿qué
decide cuántos hay?

Primero la base, después si sigue SIB, después el desplazamiento. Toda combinación de mod y r/m cae
en uno de cuatro casos, de los que uno toma un byte y otro toma cuatro. Las dos maneras de «no tener
base» son, para lo que viene detrás, la misma.

Los tres bits de r/m tal como están en el byte son insn->modrm & 7; insn->rm lleva además REX.B. Con
R12 y R13 como bases no coinciden, y solo uno de los dos decide si sigue SIB. Relativo a RIP lo es
únicamente lo que dice ModRM, nunca SIB: insn_ea suma la dirección de la instrucción siguiente,
tú solo anotas que es así.
