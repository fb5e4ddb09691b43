# 1.7
4 el número, deducido lectura por lectura, y la fórmula
3 lo que ahorra cada página grande, con números; cuáles puede elegir el huésped por sí mismo y cuáles el hipervisor
3 páginas de 2 MiB para los programas: alineación y permisos de un área, devolver parte de una página, memoria que nadie toca
