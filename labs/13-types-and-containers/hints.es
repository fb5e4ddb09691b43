# 13.1
Un hipervisor sobre la máquina real escribe entradas de tablas de páginas anidadas. ¿Qué le dice en su lugar un proceso a KVM, y cuántas veces?

Una estructura, una petición. Lee struct kvm_userspace_memory_region y struct kvm_slot una junto a otra: para cada miembro de la primera, ¿cuál de la segunda?

Dos de las banderas tratan de derechos. Una región en la que el huésped puede escribir tiene PROT_W; ¿qué debe saber KVM de la que no lo tiene? Y la llamada devuelve -1, cuando nosotros prometemos otra cosa.

# 13.2
Compáralo con lo que rodea a VMRUN en la práctica 3: registros fuera, el cambio, registros dentro, el porqué. ¿Qué función hace cada cosa?

Se puede volver de tres maneras: el huésped quiere algo, llegó una señal, no se pudo ejecutar. El resultado de KVM_RUN distingue la primera de las otras; ¿qué distingue la segunda de la tercera?

La ejecución que no se hace porque push dijo que no es también de la segunda clase. Y piensa en el aviso que ya pasó: ¿qué haría el siguiente KVM_RUN si nadie lo dijera?

# 13.3
Es una tabla: a un lado un número de KVM, al otro una razón nuestra. En la mayoría de las filas no hay nada más que hacer.

¿En qué salidas está KVM en mitad de una instrucción, con un registro por llenar o un dato por almacenar? Busca pending y mira quién lo consulta.

Una cadena de puertos llega como una sola salida con muchos elementos, y kvm_exit_answer los cuenta en k->element. ¿Dónde está el valor de la salida siguiente si nadie lo devuelve a su sitio? ¿Y quién completa una instrucción si insn_len no dice que lo hace KVM?

# 13.4
Un espacio de nombres de usuarios es una tabla de tres columnas: el número dentro, el número fuera, cuántos. ¿Qué única fila queremos?

Dos ficheros contienen una fila así, y los dos se escriben desde fuera. Pruébalo a mano: unshare -U en un intérprete, y otro intérprete que escriba en /proc/PID del primero.

Un usuario corriente recibe EPERM en uno de los dos ficheros hasta que un tercero dice algo. ¿Y qué podría hacer un proceso que se escapa, si el 0 de fuera fuese el 0 de dentro?

# 13.5
Todo ocurre en un espacio de nombres de montajes que es una copia. Dibuja el árbol de montajes antes y después de cada paso: qué se ve, qué está encima de qué.

pivot_root pone condiciones; su manual las enumera. Un directorio se convierte en punto de montaje montándolo sobre sí mismo. Lo que está montado dentro de él solo viene si las banderas lo dicen.

Hay que montar el nuevo /proc mientras todavía se ve otro. Después del cambio de raíz, con "." en los dos argumentos, la raíz antigua queda encima de la nueva: se llega a ella por "." y se puede desmontar de forma perezosa.

# 13.6
Primero a mano, como root: mount -t cgroup2, mkdir, y mira qué ficheros hay. ¿Dónde está memory.max, y qué hay que escribir dónde para que aparezca?

Sigue a errno: quién lo pone, quién lo lee y qué llamadas hay entre los dos. Sigue a group_path: ¿quién decide por él?

Hay cuatro finales: no se pidió ningún límite; el grupo está; no se pudo crear el directorio; el directorio está, pero no se pudo poner un límite. ¿Qué debe quedar en cada uno?
