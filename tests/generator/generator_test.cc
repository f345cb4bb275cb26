#include "proto/generator/generator.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/compiler/plugin.h"
#include "google/protobuf/compiler/plugin.pb.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "tests/generator/parse_proto.h"

namespace udsrpc::generator {
namespace {

using google::protobuf::compiler::CodeGeneratorRequest;
using google::protobuf::compiler::CodeGeneratorResponse;
using testing::HasSubstr;
using testing::Not;

// What the plugin answers to protoc for one file with one service.
CodeGeneratorResponse Generate(const std::string& file_name, const std::string& parameter) {
  google::protobuf::DescriptorPool pool;
  CodeGeneratorRequest request;
  ParseProto(pool, file_name, "syntax = \"proto3\"; message M {} service S { rpc Call(M) returns (M); }")
      ->CopyTo(request.add_proto_file());
  request.add_file_to_generate(file_name);
  request.set_parameter(parameter);
  CodeGeneratorResponse response;
  std::string error;
  EXPECT_TRUE(google::protobuf::compiler::GenerateCode(request, Generator(), &response, &error)) << error;
  return response;
}

TEST(GeneratorTest, MakesAHeaderAndASourceBesideTheProto) {
  const CodeGeneratorResponse response = Generate("a/b.c.proto", "");
  EXPECT_EQ(response.error(), "");
  ASSERT_EQ(response.file_size(), 2);
  EXPECT_EQ(response.file(0).name(), "a/b.c.udsrpc.pb.h");
  EXPECT_EQ(response.file(1).name(), "a/b.c.udsrpc.pb.cc");
  EXPECT_THAT(response.file(0).content(), HasSubstr("#include \"a/b.c.pb.h\"\n"));
  EXPECT_THAT(response.file(1).content(), HasSubstr("#include \"a/b.c.udsrpc.pb.h\"\n"));
}

TEST(GeneratorTest, SupportsOptionalFieldsOfProto3) {
  EXPECT_EQ(Generate("x.proto", "").supported_features() & CodeGeneratorResponse::FEATURE_PROTO3_OPTIONAL,
            CodeGeneratorResponse::FEATURE_PROTO3_OPTIONAL);
}

TEST(GeneratorTest, AnUnknownParameterIsAnErrorThatNamesIt) {
  for (const char* parameter : {"lite", "lite=true", "lite,other=1"}) {
    const CodeGeneratorResponse response = Generate("x.proto", parameter);
    EXPECT_THAT(response.error(), HasSubstr("no parameter \"lite\"")) << parameter;
    EXPECT_EQ(response.file_size(), 0);
  }
}

TEST(GeneratorTest, EachFileHasAnIncludeGuardOfItsOwn) {
  const std::string guard = "#ifndef UDSRPC_GENERATED_a_2fb_5fc_UDSRPC_PB_H_\n";
  EXPECT_THAT(Generate("a/b_c.proto", "").file(0).content(), HasSubstr(guard));
  for (const char* other :
       {"a_b_c.proto", "a/b/c.proto", "a/b-c.proto", "a/b.c.proto", "a/b_c.x.proto", "A/b_c.proto"}) {
    EXPECT_THAT(Generate(other, "").file(0).content(), Not(HasSubstr(guard))) << other;
  }
}

TEST(GeneratorTest, TheNameOfTheFileStaysInItsComment) {
  EXPECT_THAT(Generate("a\\.proto", "").file(0).content(), HasSubstr("\n// source: a\\.proto\n"));
  EXPECT_THAT(Generate("a\nb\\", "").file(0).content(), HasSubstr("\n// source: a\n// b\\ //\n\n"));
}

}  // namespace
}  // namespace udsrpc::generator
