/* Reads WBXML documents as libwbxml does, for a comparison of speed: `libwbxml SECONDS FILE...` prints octets per second of
   processor time.
   The library's header need not be there: these are its declarations, as its documentation gives them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int wbxml_tree_from_wbxml(unsigned char *wbxml, unsigned int length, int language, int charset, void **tree);
void wbxml_tree_destroy(void *tree);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    double limit = atof(arguments[1]), start, took;
    int documents = count - 2;
    unsigned char **bytes = calloc((size_t)documents, sizeof *bytes);
    unsigned int *lengths = calloc((size_t)documents, sizeof *lengths);
    for (int i = 0; i < documents; i++) {
        FILE *file = fopen(arguments[i + 2], "rb");
        bytes[i] = malloc(65536);
        if (!file || !bytes[i]) return 1;
        lengths[i] = (unsigned int)fread(bytes[i], 1, 65536, file);
        fclose(file);
    }
    unsigned long long total = 0;
    start = now();
    do {
        for (int i = 0; i < documents; i++) {
            void *tree = NULL;
            if (wbxml_tree_from_wbxml(bytes[i], lengths[i], 0, 0, &tree) != 0 || !tree) return 1;
            wbxml_tree_destroy(tree);
            total += lengths[i];
        }
        took = now() - start;
    } while (took < limit);
    printf("%.0f\n", (double)total / took);
    return 0;
}
