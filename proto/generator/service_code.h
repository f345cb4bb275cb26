#ifndef UDSRPC_PROTO_GENERATOR_SERVICE_CODE_H_
#define UDSRPC_PROTO_GENERATOR_SERVICE_CODE_H_

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/printer.h"
#include "proto/generator/names.h"

namespace udsrpc::generator {

// Prints the class that an implementation of `service` derives from, for the header.
void PrintServiceClass(google::protobuf::io::Printer& printer, const google::protobuf::ServiceDescriptor& service,
                       const ServiceNames& names);

// Prints the definitions of its members, for the source, each with an empty line before it.
void PrintServiceDefinitions(google::protobuf::io::Printer& printer, const google::protobuf::ServiceDescriptor& service,
                             const ServiceNames& names);

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_SERVICE_CODE_H_
