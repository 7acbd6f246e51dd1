#include "fault-injection/simulator/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fault-injection/simulator/toy_guest.h"

static bool drawn(struct store *store)
{
    store->random = toy_mix(store->random, 5);
    return store->random % 2 == 0;
}

void store_power_off(struct store *store)
{
    store->off = true;
    store->locked = false;
    memset(store->descriptors, 0, sizeof store->descriptors);
    for (unsigned i = 0; i < STORE_NAMES; i++) {
        struct store_name *name = &store->names[i];
        if (name->path[0] != '\0' && name->node != name->synced_node && drawn(store)) {
            name->node = name->synced_node;
        }
        name->synced_node = name->node;
    }
    for (unsigned i = 0; i < STORE_FILES; i++) {
        struct store_node *node = &store->nodes[i];
        if (node->size != node->synced_size || memcmp(node->data, node->synced, node->size) != 0) {
            memcpy(node->data, node->synced, node->synced_size);
            node->size = node->synced_size;
        }
    }
}

void store_power_on(struct store *store)
{
    store->off = false;
}

bool store_put(struct store *store, const char *path, const void *data, size_t size)
{
    for (unsigned i = 0; i < STORE_NAMES; i++) {
        const struct store_name *name = &store->names[i];
        if (strcmp(name->path, path) == 0 && name->node >= 0 && size <= STORE_FILE_SIZE) {
            struct store_node *node = &store->nodes[name->node];
            memcpy(node->data, data, size);
            memcpy(node->synced, data, size);
            node->size = node->synced_size = size;
            return true;
        }
    }
    return false;
}

void store_arm(struct store *store, unsigned fail_at, unsigned power_off_at, unsigned stall_at,
               bool torn)
{
    store->stall_at = stall_at;
    store->call_count = 0;
    store->fail_at = fail_at;
    store->power_off_at = power_off_at;
    store->torn = torn;
}

/* Whether this call is to fail. */
static bool fails(struct store *store)
{
    store->call_count++;
    if (store->call_count == store->stall_at) {
        store->now_ms += STORE_STALL_MS;
    }
    if (store->call_count == store->power_off_at) {
        store_power_off(store);
    }
    return store->off || store->call_count == store->fail_at;
}

static struct store_name *find(struct store *store, const char *path, bool make)
{
    struct store_name *unused = NULL;
    for (unsigned i = 0; i < STORE_NAMES; i++) {
        if (strcmp(store->names[i].path, path) == 0) {
            return &store->names[i];
        }
        if (unused == NULL && store->names[i].path[0] == '\0') {
            unused = &store->names[i];
        }
    }
    if (make && unused != NULL && strlen(path) < sizeof unused->path) {
        strcpy(unused->path, path);
        unused->node = unused->synced_node = -1;
        return unused;
    }
    return NULL;
}

static bool is_named(const struct store *store, int node)
{
    for (unsigned i = 0; i < STORE_NAMES; i++) {
        const struct store_name *name = &store->names[i];
        if (name->path[0] != '\0' && (name->node == node || name->synced_node == node)) {
            return true;
        }
    }
    return false;
}

static int new_node(struct store *store)
{
    for (int i = 0; i < (int)STORE_FILES; i++) {
        if (!is_named(store, i)) {
            store->nodes[i] = (struct store_node){0};
            return i;
        }
    }
    return -ENOSPC;
}

static int new_descriptor(struct store *store, int node, bool directory)
{
    for (int i = 0; i < (int)STORE_DESCRIPTORS; i++) {
        if (!store->descriptors[i].used) {
            store->descriptors[i] =
                (struct store_descriptor){.used = true, .directory = directory, .node = node};
            return i;
        }
    }
    return -EMFILE;
}

static int store_open(void *context, const char *path, int flags, mode_t mode)
{
    struct store *store = context;
    (void)mode;
    if (fails(store)) {
        return -EIO;
    }
    if (flags & O_DIRECTORY) {
        return new_descriptor(store, -1, true);
    }
    struct store_name *name = find(store, path, (flags & O_CREAT) != 0);
    if (name == NULL || (name->node < 0 && !(flags & O_CREAT))) {
        return -ENOENT;
    }
    if (name->node < 0) {
        int node = new_node(store);
        if (node < 0) {
            return node;
        }
        name->node = node;
    }
    if (flags & O_TRUNC) {
        store->nodes[name->node].size = 0;
    }
    return new_descriptor(store, name->node, false);
}

static ssize_t store_read(void *context, int fd, void *buffer, size_t size)
{
    struct store *store = context;
    struct store_descriptor *descriptor = &store->descriptors[fd];
    if (fails(store)) {
        return -EIO;
    }
    const struct store_node *node = &store->nodes[descriptor->node];
    size_t left = node->size > descriptor->offset ? node->size - descriptor->offset : 0;
    size = size < left ? size : left;
    memcpy(buffer, node->data + descriptor->offset, size);
    descriptor->offset += size;
    return (ssize_t)size;
}

static void put(struct store *store, struct store_descriptor *descriptor, const void *buffer,
                size_t size)
{
    struct store_node *node = &store->nodes[descriptor->node];
    memcpy(node->data + descriptor->offset, buffer, size);
    descriptor->offset += size;
    node->size = descriptor->offset > node->size ? descriptor->offset : node->size;
}

static ssize_t store_write(void *context, int fd, const void *buffer, size_t size)
{
    struct store *store = context;
    struct store_descriptor *descriptor = &store->descriptors[fd];
    size_t room = STORE_FILE_SIZE - descriptor->offset;
    bool fail = fails(store);
    size = size < room ? size : room;
    if (fail && !store->off && store->torn) {
        put(store, descriptor, buffer, size / 2);
    }
    if (fail) {
        return -EIO;
    }
    put(store, descriptor, buffer, size);
    return size == 0 ? -ENOSPC : (ssize_t)size;
}

static int store_fsync(void *context, int fd)
{
    struct store *store = context;
    const struct store_descriptor *descriptor = &store->descriptors[fd];
    if (fails(store)) {
        return -EIO;
    }
    if (descriptor->directory) {
        for (unsigned i = 0; i < STORE_NAMES; i++) {
            store->names[i].synced_node = store->names[i].node;
        }
        return 0;
    }
    struct store_node *node = &store->nodes[descriptor->node];
    memcpy(node->synced, node->data, node->size);
    node->synced_size = node->size;
    return 0;
}

static int store_close(void *context, int fd)
{
    struct store *store = context;
    bool fail = fails(store);
    store->locked &= fd != store->lock_descriptor;
    store->descriptors[fd] = (struct store_descriptor){0};
    return fail ? -EIO : 0;
}

/* Who stands still between its last look at the time and this very call can be helped by nobody. */
static int store_rename(void *context, const char *from, const char *to)
{
    struct store *store = context;
    bool trusted = store->locked && store->now_ms - store->locked_ms <= ARBITER_LOCK_TRUST_MS;
    if (fails(store)) {
        return -EIO;
    }
    struct store_name *source = find(store, from, false);
    struct store_name *target = find(store, to, true);
    if (source == NULL || source->node < 0 || target == NULL) {
        return -ENOENT;
    }
    store->misused |= !trusted;
    target->node = source->node;
    source->node = -1;
    return 0;
}

static int store_lock(void *context, int fd)
{
    struct store *store = context;
    if (fails(store)) {
        return -EIO;
    }
    store->locked_ms = store->now_ms;
    store->lock_descriptor = fd;
    store->locked = true;
    return 0;
}

static int store_links(void *context, int fd)
{
    (void)fd;
    return fails(context) ? -EIO : 1;
}

static uint64_t store_now_ms(void *context)
{
    const struct store *store = context;
    return store->now_ms;
}

static void store_sleep_ms(void *context, unsigned milliseconds)
{
    struct store *store = context;
    store->now_ms += milliseconds;
}

void store_init(struct store *store, uint64_t seed)
{
    *store = (struct store){.random = seed};
    store->calls = (struct arbiter_file_calls){
        .context = store,
        .open = store_open,
        .read = store_read,
        .write = store_write,
        .fsync = store_fsync,
        .close = store_close,
        .rename = store_rename,
        .lock = store_lock,
        .links = store_links,
        .now_ms = store_now_ms,
        .sleep_ms = store_sleep_ms,
    };
}
