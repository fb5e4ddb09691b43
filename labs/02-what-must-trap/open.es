# 2.7
3 qué rompe la traducción: datos entre el código, código que escribe código o que llega después, un salto al medio; qué hace un traductor de verdad con dos de esos casos
2 por qué INT3, de un byte, siempre cabe, y un salto de cinco bytes no; qué cuesta ese byte, en trampas medidas
3 qué haría el mismo núcleo, portado, en vez de PUSHF, CLI, POPF, y por qué es más barato; qué hay que cambiar y qué no
2 qué cambia UMIP en el censo, y por qué ni él ni ningún bit así hace que las demás familias provoquen una trampa
