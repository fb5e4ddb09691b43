# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
5.1 | tables | lead nowhere: ([0-9]+) references | A `edges` se le dieron derechos en 0x200000, y aun así el recorrido acaba ahí tras \1 entradas. ¿Cuál de tus casos fue, y qué habría en la última entrada si hubiera sido otro?
5.2 | tables | nested level 2: (0x[0-9a-f]+) | \1 asigna 2 MiB de `marks`. ¿Qué bits puso tu función, cuáles la CPU, y qué significa el bit 7 en una entrada del nivel más bajo?
5.2 | tables | nested level 1: (0x[0-9a-f]+) | \1 asigna una página de 4 KiB. Quita uno de los bits en que acaba, el que quieras: ¿qué vería el huésped, y qué diría `vm list`?
5.3 | tables | exits: .*nested fault ([0-9]+) | \1 fallos anidados hasta `here 1`, para un huésped que había escrito en 3584 páginas. ¿Dónde está la memoria que no le costó ninguno, y cómo cambiaría el número con 32 MiB?
5.3 | tables | (stored 4 bytes to address 0x[0-9a-f]+) | `wild` acabó así: «\1». ¿Qué respuesta de tu función llevó a eso, y qué habría leído el huésped en esa dirección?
5.4 | tables | host-physical (0x[0-9a-f]+) | La dirección física del huésped 0x5ff123 es \1 en el anfitrión, en tu ejecución. ¿Qué bits salen de la entrada, cuáles de la dirección, y cómo sabes dónde está la frontera?
5.5 | tables | written since the last time: (358[0-9]) | Había \1 páginas modificadas, 512 de ellas trozos de una página grande que se dividió después de escribirse. ¿Cómo lo supieron esos trozos, y cuándo no lo sabrían?
5.6 | tables | written since the last time: (51[0-9]) | Según tu función se escribieron \1 páginas desde la última vez, pero el huésped escribió en cuatro, y una está en una página grande por la que se acababa de preguntar. Da cuenta de todas.
