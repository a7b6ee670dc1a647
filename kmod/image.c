// SPDX-License-Identifier: GPL-2.0
/* Images: code that the kernel's loader has brought in as modules made from template.c. */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include "wj.h"

static DEFINE_MUTEX(wj_images_lock);
static LIST_HEAD(wj_images);

/* Whether the tables behind the metadata's head fit into it, and every offset into the code. */
static bool wj_meta_fits(const struct wj_image_meta *meta, size_t bytes)
{
	u64 own, words;
	const u32 *offset;
	u64 i;

	if (bytes < sizeof(*meta) || meta->imported > meta->functions || meta->memories > 1)
		return false;
	own = meta->functions - meta->imported;
	words = (u64)meta->functions + own + 4 * (u64)meta->types;
	if (words * 4 > bytes - sizeof(*meta))
		return false;
	offset = (const u32 *)(meta + 1);
	for (i = 0; i < meta->functions; i++)
		if (offset[i] >= meta->types)
			return false;
	offset += meta->functions;
	for (i = 0; i < own; i++)
		if (offset[i] < WJ_SLOTS_BYTES || offset[i] >= meta->code_bytes)
			return false;
	offset += own + meta->types;
	for (i = 0; i < meta->types; i++)
		if (offset[i] != U32_MAX && offset[i] >= meta->code_bytes)
			return false;
	return true;
}

/**
 * wj_image_register - an image module's init function hands its code over
 * @owner: the image's module
 * @data: struct wj_image_meta and its tables
 * @bytes: size of these
 * @code: the slots, and the code behind them
 */
int wj_image_register(struct module *owner, const void *data, size_t bytes, const void *code)
{
	const struct wj_image_meta *meta = data;
	struct wj_image *image;

	if (bytes < sizeof(*meta) || meta->abi_hash != WJ_ABI_HASH) {
		pr_err("wasmjit: %s was compiled for another version of this module\n", owner->name);
		return -ENOEXEC;
	}
	if (!wj_meta_fits(meta, bytes)) {
		pr_err("wasmjit: %s has damaged tables\n", owner->name);
		return -ENOEXEC;
	}
	image = kzalloc(sizeof(*image), GFP_KERNEL);
	if (!image)
		return -ENOMEM;
	image->owner = owner;
	image->meta = meta;
	image->code = code;
	image->func_types = (const u32 *)(meta + 1);
	image->func_offsets = image->func_types + meta->functions;
	image->type_ids = image->func_offsets + (meta->functions - meta->imported);
	image->trampolines = image->type_ids + meta->types;
	image->signatures = image->trampolines + meta->types;
	mutex_lock(&wj_images_lock);
	list_add(&image->list, &wj_images);
	mutex_unlock(&wj_images_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(wj_image_register);

/**
 * wj_image_unregister - an image module leaves; nobody uses it, or it could not
 * @owner: the image's module
 */
void wj_image_unregister(struct module *owner)
{
	struct wj_image *image, *next;

	mutex_lock(&wj_images_lock);
	list_for_each_entry_safe(image, next, &wj_images, list) {
		if (image->owner == owner) {
			list_del(&image->list);
			kfree(image);
		}
	}
	mutex_unlock(&wj_images_lock);
}
EXPORT_SYMBOL_GPL(wj_image_unregister);

/* The image of that number, held in memory until it is put; or NULL. */
struct wj_image *wj_image_get(u64 id)
{
	struct wj_image *image, *found = NULL;

	mutex_lock(&wj_images_lock);
	list_for_each_entry(image, &wj_images, list) {
		if (image->meta->id == id && try_module_get(image->owner)) {
			found = image;
			break;
		}
	}
	mutex_unlock(&wj_images_lock);
	return found;
}

void wj_image_put(struct wj_image *image)
{
	module_put(image->owner);
}
