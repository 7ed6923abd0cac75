/* SPDX-License-Identifier: BSD-3-Clause */
#include "service.h"

#include <stdlib.h>
#include <string.h>

struct service {
    struct snapshot *now;
    const char *path;
    struct snapshot_needs needs;
    struct view_slot *slots[CONF_WORKERS_MAX];
    uint32_t num_slots, num_snapshots;
};

struct service *service_new(struct snapshot *first, const char *path,
                            const struct snapshot_needs *needs)
{
    struct service *s = calloc(1, sizeof(*s));
    if (!s) {
        snapshot_free(first);
        return NULL;
    }
    s->now = first;
    s->path = path;
    s->needs = *needs;
    s->num_snapshots = 1;
    return s;
}

static struct view *new_view(struct snapshot *snapshot)
{
    struct view *view = view_new(snapshot);
    snapshot->num_views += view != NULL;
    return view;
}

static void drop_snapshot(struct service *s, struct snapshot *snapshot)
{
    if (snapshot->num_views || snapshot == s->now)
        return;
    snapshot_free(snapshot);
    s->num_snapshots--;
}

static void drop_view(struct service *s, struct view *view)
{
    struct snapshot *snapshot = view->snapshot;
    view_free(view);
    snapshot->num_views--;
    drop_snapshot(s, snapshot);
}

bool service_join(struct service *s, struct view_slot *slot)
{
    struct view *view = new_view(s->now);
    if (!view)
        return false;
    atomic_store(&slot->newer, view);
    s->slots[s->num_slots++] = slot;
    return true;
}

void service_collect(struct service *s)
{
    for (uint32_t i = 0; i < s->num_slots; i++)
        for (struct view *view = atomic_exchange(&s->slots[i]->done, NULL), *next; view;
             view = next) {
            next = view->next;
            drop_view(s, view);
        }
}

/* Each worker gets one of it, or none does. One that it has not looked at yet is not needed now. */
static bool publish(struct service *s, struct snapshot *snapshot)
{
    struct view *views[CONF_WORKERS_MAX];
    uint32_t num = 0;
    while (num < s->num_slots && (views[num] = new_view(snapshot)))
        num++;
    if (num < s->num_slots) {
        while (num)
            view_free(views[--num]);
        return false;
    }
    struct snapshot *before = s->now;
    before->num_views++; /* ours, until all are through */
    s->now = snapshot;
    s->num_snapshots++;
    for (uint32_t i = 0; i < num; i++) {
        struct view *unseen = atomic_exchange(&s->slots[i]->newer, views[i]);
        if (unseen)
            drop_view(s, unseen);
    }
    before->num_views--;
    drop_snapshot(s, before);
    return true;
}

static struct snapshot *read_again(struct service *s, struct complaints *c)
{
    struct conf *conf = conf_read(s->path, c);
    if (!conf)
        return NULL;
    conf_compare(s->now->conf, conf, c);
    if (!c->num)
        return snapshot_new(conf, &s->needs, c);
    conf_free(conf);
    return NULL;
}

bool service_reload(struct service *s, FILE *out, FILE *err)
{
    if (!s->path) {
        fprintf(out, "lockstepd: SIGHUP: there is no file of --config to read again\n");
        fflush(out);
        return false;
    }
    struct complaints *c = calloc(1, sizeof(*c));
    struct snapshot *snapshot = c ? read_again(s, c) : NULL;
    const bool is_served = snapshot && publish(s, snapshot);
    if (is_served) {
        fprintf(out, "lockstepd: %s read again\n", s->path);
        fflush(out);
    } else {
        if (snapshot)
            snapshot_free(snapshot);
        if (c && !c->num)
            complain_of_memory(c);
        if (c)
            complaints_print(err, c, "lockstepd: ");
        fprintf(err, "lockstepd: %s: nothing has changed\n", s->path);
        fflush(err);
    }
    free(c);
    service_collect(s);
    return is_served;
}

uint32_t service_num_snapshots(const struct service *s)
{
    return s->num_snapshots;
}

void service_free(struct service *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->num_slots; i++) {
        struct view *unseen = atomic_exchange(&s->slots[i]->newer, NULL);
        if (unseen)
            drop_view(s, unseen);
    }
    service_collect(s);
    struct snapshot *now = s->now;
    s->now = NULL;
    drop_snapshot(s, now);
    free(s);
}
