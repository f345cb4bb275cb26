#include "tests/generator/parse_proto.h"

#include "google/protobuf/compiler/parser.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"

namespace udsrpc::generator {
namespace {

class FailTheTest final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    ADD_FAILURE() << line + 1 << ":" << column + 1 << ": " << message;
  }
};

}  // namespace

const google::protobuf::FileDescriptor* ParseProto(google::protobuf::DescriptorPool& pool, const std::string& name,
                                                   const std::string& text) {
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  FailTheTest errors;
  google::protobuf::io::Tokenizer tokenizer(&input, &errors);
  google::protobuf::compiler::Parser parser;
  parser.RecordErrorsTo(&errors);
  google::protobuf::FileDescriptorProto proto;
  if (!parser.Parse(&tokenizer, &proto)) return nullptr;
  proto.set_name(name);
  const google::protobuf::FileDescriptor* file = pool.BuildFile(proto);
  EXPECT_NE(file, nullptr);
  return file;
}

}  // namespace udsrpc::generator
