# ID | RUN | PATRÓN | PREGUNTA: véase tools/viva
3.1 | demo | exits: port ([0-9]+), CPUID ([0-9]+) | Tu huésped `first` salió \1 veces por un puerto y \2 por CPUID. ¿Qué línea de first.S es ese CPUID, y qué vería el huésped sin esa salida?
3.2 | two | ([0-9]+) of ([0-9]+) CPUs | Tu ejecución tenía \1 CPU. ¿Qué de tu cpu_on necesita cada una para sí, y qué se rompe si dos lo comparten?
3.3 | control | intercept_misc1 +([0-9a-fx]+) | intercept_misc1 vale \1 en tu ejecución. Elige dos de sus bits: ¿qué ganaría un huésped con cada uno si valiera 0?
3.3 | control | PRIMARY_CONTROLS +([0-9a-fx]+) | PRIMARY_CONTROLS vale \1 en tu ejecución. ¿Qué bits impuso el procesador y cuáles elegiste tú?
3.4 | control | n_cr3 +([0-9a-fx]+) | n_cr3 vale \1 en tu ejecución. ¿En qué espacio de direcciones está ese número, y quién podría leer la página que nombra?
3.4 | control | EPT_POINTER +([0-9a-fx]+) | EPT_POINTER vale \1 en tu ejecución. ¿Qué dicen sus doce bits más bajos?
3.5 | kernel | counter: ([0-9]+) | guest-os contó hasta \1. Antes activó la paginación: ¿qué campos de los que escribes cambiaron en ese momento, y quién los cambió?
3.6 | selftest | end selftest: ([0-9]+) passed | Dentro del huésped pasaron \1 pruebas. Entre dos de ellas, ¿qué registros cargó y guardó tu run, y cuáles el procesador?
3.6 | demo | stubborn +running | `stubborn` nunca sale por sí mismo. ¿Por qué recuperaste la CPU en tu propia ejecución, y cuántas veces?
