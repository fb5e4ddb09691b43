# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
0.1 | puzzle | exits: port ([0-9]+), CPUID ([0-9]+) | Tu puzzle salió \1 veces por un puerto y \2 por CPUID. Ejecutó varios cientos de instrucciones más: ¿por qué no está aquí ninguna de ellas, y quién lo decidió?
0.2 | puzzle | CPUID +rip (0x[0-9a-f]+) | En tu traza todos los CPUID tienen el RIP \1. ¿Qué dice eso del programa, si no se tiene el fuente? ¿Y el RIP de los bytes que hay entre ellos?
0.2 | puzzle | ([0-9]+) ns CPUID | El primer CPUID de tu traza está en \1 ns. ¿De quién son esos nanosegundos? ¿Mostraría otro número un ordenador más lento?
0.3 | puzzle | info 0x10(3[0-9a-e][0-9a-f]) | Tu puzzle escribió un byte en el puerto 0x\1. ¿Lo recogió alguien? ¿Dónde lo mirarías, y qué habría leído un IN de un puerto en el que no responde nadie?
0.4 | teller | .puzzle. puzzle ([0-9a-f]+) | Con tu semilla, \1, gdb se detuvo en el hipervisor. ¿Dónde estaba entonces el ESI del huésped, y qué habría mostrado en su lugar "print $rsi"?
0.5 | both | ^(lr[a-z ]+[0-9a-f]+) | La primera línea de tu ejecución en la máquina sin hipervisor es «\1». ¿Qué caracteres son de left, y qué decidió su orden?
0.5 | both | ^lr[a-z ]+(0000[0-9a-f]+) | Más tarde tu ejecución dice \1. Separa los dos números: se pidieron 4 ms y 1 ms. ¿Qué se esperó, y cómo lo sabes?
