// The protoc plugin: reads a CodeGeneratorRequest on stdin, writes a CodeGeneratorResponse to stdout.
//
//   protoc --plugin=protoc-gen-udsrpc=PATH --cpp_out=DIR --udsrpc_out=DIR x.proto

#include "google/protobuf/compiler/plugin.h"
#include "proto/generator/generator.h"

int main(int argc, char* argv[]) {
  const udsrpc::generator::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
