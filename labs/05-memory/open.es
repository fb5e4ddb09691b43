# 5.7
1 una predicción para ambos tamaños, escrita de antemano y con su razón; a su lado, los números medidos
1 qué cuesta un fallo de TLB con páginas pequeñas en ambos lados, y qué tamaño puede elegir solo el hipervisor
1 qué empeoran las páginas anidadas grandes: de qué responde un bit de modificación, un derecho, una página compartida
2 una política para dividir y juntar: qué debe cumplirse (memoria contigua, mismos derechos), quién vacía el TLB, qué se nota
