/* NVIDIA's library, played: one card whose numbers stand in the file that PLAYED_CARD names:
   "used total pid bytes" (pid 0: no program; bytes -1: not told). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_t;
typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu, compute; } process_t;
static int card = 0;
static long long said[4];
static void look(void) {
    const char *path = getenv("PLAYED_CARD");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return;
    long long now[4];
    if (fscanf(file, "%lld %lld %lld %lld", now, now + 1, now + 2, now + 3) == 4) memcpy(said, now, sizeof said);
    fclose(file);
}
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *to, unsigned size) { strncpy(to, "551.52", size); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *to) { *to = 12040; return 0; }
int nvmlDeviceGetCount_v2(unsigned *to) { *to = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **to) { *to = &card; return index ? 15 : 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **to) { *to = &card; return strcmp(uuid, "GPU-1") ? 6 : 0; }
int nvmlDeviceGetCudaComputeCapability(void *of, int *major, int *minor) { *major = 8; *minor = 6; return 0; }
int nvmlDeviceGetPciInfo_v3(void *of, pci_t *to) { strcpy(to->bus_id, "00000000:01:00.0"); return 0; }
int nvmlDeviceGetName(void *of, char *to, unsigned size) { strncpy(to, "NVIDIA GeForce RTX 3070", size); return 0; }
int nvmlDeviceGetUUID(void *of, char *to, unsigned size) { strncpy(to, "GPU-1", size); return 0; }
int nvmlDeviceGetMemoryInfo(void *of, memory_t *to) {
    look(); to->used = said[0]; to->total = said[1]; to->free = said[1] - said[0]; return 0; }
#ifdef OLD
#define COMPUTE nvmlDeviceGetComputeRunningProcesses_v2
#define GRAPHICS nvmlDeviceGetGraphicsRunningProcesses_v4
#else
#define COMPUTE nvmlDeviceGetComputeRunningProcesses_v3
#define GRAPHICS nvmlDeviceGetGraphicsRunningProcesses_v3
#endif
int COMPUTE(void *of, unsigned *count, process_t *to) {
    look(); if (!said[2]) { *count = 0; return 0; }
    if (!*count) { *count = 1; return 7; }
    *count = 1; to->pid = said[2]; to->bytes = said[3]; return 0; }
int GRAPHICS(void *of, unsigned *count, process_t *to) {
    if (!*count) { *count = 70; return 7; }
    *count = 2; to[0].pid = 1; to[0].bytes = 1 << 20; to[1].pid = 999999; to[1].bytes = ~0ull; return 0; }
#ifndef OLD
int nvmlSystemGetProcessName(unsigned pid, char *to, unsigned size) {
    strncpy(to, pid == 999999 ? "C:\\Games\\game.exe --fast" : "", size); return 0; }
#endif
