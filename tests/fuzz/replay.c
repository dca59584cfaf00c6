/* A main() in place of libFuzzer's: gives each file named, or in each folder named, to the fuzz
 * target once, so that the tests replay the corpora with any compiler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static guint replay_file(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree uint8_t *exact = NULL;
	gsize len = 0;

	if (!g_file_get_contents(path, &text, &len, &error)) {
		fprintf(stderr, "%s\n", error->message);
		exit(1);
	}
	/* no terminator behind it: a read past the end shows under ASan */
	exact = g_memdup2(text, len);
	printf("# %s\n", path);
	(void)fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, len);
	return 1;
}

static guint replay(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	guint n = 0;

	if (!dir)
		return replay_file(path);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		n += replay(below);
	}
	return n;
}

int main(int argc, char **argv)
{
	guint n = 0;

	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	printf("%u inputs\n", n);
	return n == 0;
}
