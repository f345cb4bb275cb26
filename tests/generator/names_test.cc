#include "proto/generator/names.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/compiler/cpp/names.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "tests/generator/parse_proto.h"

namespace udsrpc::generator {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using testing::ElementsAre;

// The names of the first service in `text`, a proto2 file of package p.
ServiceNames NamesIn(const std::string& text) {
  DescriptorPool pool;
  const FileDescriptor* file =
      ParseProto(pool, "x.proto", "syntax = \"proto2\"; package p; message M { extensions 1 to 9; }" + text);
  return file == nullptr ? ServiceNames() : NamesOf(*file->service(0));
}

TEST(NamesOfTest, WithoutCollisionsNamesStay) {
  const ServiceNames names = NamesIn("service S { rpc A(M) returns (M); rpc B(M) returns (M); }");
  EXPECT_EQ(names.service_class, "SService");
  EXPECT_EQ(names.stub_class, "SStub");
  EXPECT_THAT(names.service_methods, ElementsAre("A", "B"));
  EXPECT_THAT(names.stub_methods, ElementsAre("A", "B"));
  EXPECT_EQ(names.channel_member, "channel_");
}

TEST(NamesOfTest, ReservedWordsGetAnUnderscore) {
  const ServiceNames names = NamesIn("service S { rpc delete(M) returns (M); rpc co_yield(M) returns (M); }");
  EXPECT_THAT(names.service_methods, ElementsAre("delete_", "co_yield_"));
  EXPECT_THAT(names.stub_methods, ElementsAre("delete_", "co_yield_"));
}

TEST(NamesOfTest, TheNameOfItsOwnClassAndAsyncGetAnUnderscore) {
  const ServiceNames names =
      NamesIn("service S { rpc SService(M) returns (M); rpc SStub(M) returns (M); rpc Async(M) returns (M); }");
  EXPECT_THAT(names.service_methods, ElementsAre("SService_", "SStub", "Async"));
  EXPECT_THAT(names.stub_methods, ElementsAre("SService", "SStub_", "Async_"));
}

TEST(NamesOfTest, MethodsThatCanKeepTheirNamesDoWhateverTheOrder) {
  EXPECT_THAT(NamesIn("service S { rpc new(M) returns (M); rpc new_(M) returns (M); }").stub_methods,
              ElementsAre("new__", "new_"));
  EXPECT_THAT(NamesIn("service S { rpc new_(M) returns (M); rpc new(M) returns (M); }").stub_methods,
              ElementsAre("new_", "new__"));
}

TEST(NamesOfTest, TheStubsChannelGivesWayToMethods) {
  EXPECT_EQ(NamesIn("service S { rpc channel_(M) returns (M); }").channel_member, "channel__");
}

TEST(NamesOfTest, ClassesGiveWayToWhatThePackageHas) {
  for (const char* declaration : {"message SStub {}", "enum SStub { ZERO = 0; }", "enum E { SStub = 0; }",
                                  "service SStub {}", "extend M { optional int32 SStub = 1; }"}) {
    EXPECT_EQ(NamesIn(std::string("service S {} ") + declaration).stub_class, "SStub_") << declaration;
    EXPECT_EQ(NamesIn(std::string("service S {} ") + declaration).service_class, "SService") << declaration;
  }
  EXPECT_EQ(NamesIn("service S {} message SStub {} message SStub_ {}").stub_class, "SStub__");
}

TEST(NamesOfTest, NestedDeclarationsCountUnderTheirCppNames) {
  EXPECT_EQ(NamesIn("service S {} message Outer { message SStub {} }").stub_class, "SStub");
  EXPECT_EQ(NamesIn("service A_B {} message A { message BStub {} }").stub_class, "A_BStub_");
  EXPECT_EQ(NamesIn("service A_B {} message A { enum BStub { ZERO = 0; } }").stub_class, "A_BStub_");
  EXPECT_EQ(NamesIn("service A_B_C {} message A { enum B { CStub = 0; } }").stub_class, "A_B_CStub_");
}

TEST(NamesOfTest, ProtocsOwnGenericServicesCount) {
  EXPECT_EQ(NamesIn("service S_ {} service S {}").stub_class, "S_Stub");
  EXPECT_EQ(NamesIn("option cc_generic_services = true; service S_ {} service S {}").stub_class, "S_Stub_");
}

TEST(NamesOfTest, ImportsCountWhereTheyAreInThePackageOrBelowIt) {
  const auto stub_with_import = [](const std::string& package, const std::string& import) {
    DescriptorPool pool;
    const std::string syntax = "syntax = \"proto3\";";
    EXPECT_NE(ParseProto(pool, "far.proto", syntax + import), nullptr);
    EXPECT_NE(ParseProto(pool, "near.proto", syntax + "import \"far.proto\";"), nullptr);
    const FileDescriptor* file = ParseProto(pool, "x.proto", syntax + package + "import \"near.proto\"; service S {}");
    return file == nullptr ? "" : NamesOf(*file->service(0)).stub_class;
  };
  EXPECT_EQ(stub_with_import("package p;", "package p; message SStub {}"), "SStub_");
  EXPECT_EQ(stub_with_import("package p;", "package q; message SStub {}"), "SStub");
  EXPECT_EQ(stub_with_import("package p;", "message SStub {}"), "SStub");
  EXPECT_EQ(stub_with_import("package p;", "package p.SStub;"), "SStub_");
  EXPECT_EQ(stub_with_import("package p;", "package p.SStub.deeper;"), "SStub_");
  EXPECT_EQ(stub_with_import("package p;", "package pp.SStub;"), "SStub");
  EXPECT_EQ(stub_with_import("package p.q;", "package p;message SStub {}"), "SStub");
  EXPECT_EQ(stub_with_import("", "package SStub;"), "SStub_");
  EXPECT_EQ(stub_with_import("", "package p.SStub;"), "SStub");
}

TEST(NamespaceOfTest, IsWhereProtocPutsMessages) {
  for (const std::string package : {"", "a", "a.b.c", "a.namespace.new", "google.protobuf", "Probe", "a.Probe"}) {
    DescriptorPool pool;
    const FileDescriptor* file = ParseProto(
        pool, "x.proto", "syntax = \"proto3\";" + (package.empty() ? "" : "package " + package + ";") + "message M {}");
    ASSERT_NE(file, nullptr);
    const std::string name = NamespaceOf(*file);
    EXPECT_EQ((name.empty() ? "" : "::" + name) + "::M",
              google::protobuf::compiler::cpp::QualifiedClassName(file->message_type(0)))
        << package;
  }
}

}  // namespace
}  // namespace udsrpc::generator
