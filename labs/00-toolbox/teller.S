/* teller.S - puzzle, which afterwards says what its ESI held: for the grader */
#define TELL
#include "puzzle.S"
