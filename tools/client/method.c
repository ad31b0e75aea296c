/*
 * The table of methods, built once from protobuf-c's service descriptors. Those do not say which
 * methods stream; the API's own FileDescriptorSet, which is linked in beside them, does.
 */
#include "internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/event.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/return.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/shipment.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/token.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

extern const uint8_t stockbook_descriptors[], stockbook_descriptors_end[];

static const ProtobufCServiceDescriptor *const services[] = {
	&stockbook__v1__item_service__descriptor,
	&stockbook__v1__location_service__descriptor,
	&stockbook__v1__channel_service__descriptor,
	&stockbook__v1__stock_service__descriptor,
	&stockbook__v1__reservation_service__descriptor,
	&stockbook__v1__order_service__descriptor,
	&stockbook__v1__pickup_service__descriptor,
	&stockbook__v1__shipment_service__descriptor,
	&stockbook__v1__transfer_service__descriptor,
	&stockbook__v1__sourcing_service__descriptor,
	&stockbook__v1__work_service__descriptor,
	&stockbook__v1__return_service__descriptor,
	&stockbook__v1__ledger_service__descriptor,
	&stockbook__v1__event_service__descriptor,
	&stockbook__v1__token_service__descriptor,
	&stockbook__v1__server_service__descriptor,
};

#define METHODS_MAX 128
static struct stockbook_method methods[METHODS_MAX];
static size_t methods_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void mark_streams(const Google__Protobuf__FileDescriptorProto *file)
{
	for (size_t i = 0; i < file->n_service; i++) {
		const Google__Protobuf__ServiceDescriptorProto *service = file->service[i];
		for (size_t j = 0; j < methods_count; j++) {
			if (strcmp(methods[j].service, service->name) != 0)
				continue;
			for (size_t k = 0; k < service->n_method; k++)
				if (strcmp(methods[j].name, service->method[k]->name) == 0)
					methods[j].server_streaming = service->method[k]->server_streaming;
		}
	}
}

static void build_methods(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
		const ProtobufCServiceDescriptor *service = services[i];
		for (unsigned j = 0; j < service->n_methods; j++) {
			const ProtobufCMethodDescriptor *from = &service->methods[j];
			size_t size = strlen(service->name) + strlen(from->name) + 3;
			char *path = client_alloc(size);
			snprintf(path, size, "/%s/%s", service->name, from->name);
			CHECK(methods_count < METHODS_MAX);
			methods[methods_count] = (struct stockbook_method){
				.path = path,
				.service = service->short_name,
				.name = from->name,
				.request = from->input,
				.response = from->output,
				.index = (int)methods_count,
			};
			methods_count++;
		}
	}
	Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(NULL,
		(size_t)(stockbook_descriptors_end - stockbook_descriptors), stockbook_descriptors);
	CHECK(set);
	for (size_t i = 0; i < set->n_file; i++)
		if (set->file[i]->package && strcmp(set->file[i]->package, "stockbook.v1") == 0)
			mark_streams(set->file[i]);
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

const struct stockbook_method *stockbook_methods(size_t *count)
{
	pthread_once(&once, build_methods);
	*count = methods_count;
	return methods;
}

const struct stockbook_method *stockbook_method(const char *service, const char *name)
{
	pthread_once(&once, build_methods);
	for (size_t i = 0; i < methods_count; i++)
		if (strcmp(methods[i].name, name) == 0 && strcmp(methods[i].service, service) == 0)
			return &methods[i];
	return NULL;
}

const struct stockbook_method *stockbook_method_by_path(const char *path)
{
	static const char package[] = "stockbook.v1.";
	pthread_once(&once, build_methods);
	if (*path == '/')
		path++;
	if (strncmp(path, package, sizeof(package) - 1) == 0)
		path += sizeof(package) - 1;
	for (size_t i = 0; i < methods_count; i++)
		if (strcmp(methods[i].path + 1 + sizeof(package) - 1, path) == 0)
			return &methods[i];
	return NULL;
}
