# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
13.1 | guest | ROM (stays as it was) | En tu ejecución, con la ROM: «\1». ¿Qué indicador de tu región convirtió esa escritura en una salida, y quién decidió después que no cambia nada?
13.2 | guest | a clock (wakes who sleeps) | En tu ejecución un reloj «\1». ¿Dónde está el hilo de la vCPU mientras el huésped está parado, y qué quedaría del aviso si enter no borrara immediate_exit?
13.3 | guest | exits: port ([0-9]+), | Tu huésped tuvo \1 salidas por puerto. ¿Cómo puede una sola vuelta de KVM_RUN convertirse en varias, y cuánto vale k->element cuando empieza la primera?
13.3 | guest | device memory ([0-9]+), HLT ([0-9]+) | \1 salidas a memoria de dispositivo, \2 por HLT. ¿En cuál de las dos espera KVM una respuesta, y qué recibe el huésped si dices que no la espera?
13.4 | people | file is of user (65534), group | El fichero que hizo el contenedor de root es, por fuera, del usuario \1. ¿Qué podría hacer un proceso que se escapara de él, y qué si ese número fuera 0?
13.5 | files | a way up shows (.*[a-z]) | Un directorio por encima de la raíz hay: \1. ¿Dónde estaba la raíz antigua justo detrás de tu pivot_root, y quién habría podido llegar todavía a ella?
13.6 | groups | memory ends with status ([0-9]+) | Ese contenedor acabó con \1. ¿Quién mató a quién, y cuál de tus escrituras hizo que existiera el fichero del límite?
13.6 | groups | user: no control group .([A-Z][a-z ]+) | Un usuario corriente lee: \1. ¿Qué llamada dejó ese errno, y por qué se guían después init() y main()?
