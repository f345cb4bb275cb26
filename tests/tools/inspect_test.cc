// What the command tells of a server's services.

#include <string>

#include "tests/tools/served.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class InspectTest : public ServedTest {};

INSTANTIATE_TEST_SUITE_P(All, InspectTest, ::testing::Values(Served::kSeqpacket, Served::kGrpc, Served::kStock),
                         ServedName);

TEST_P(InspectTest, ListShowsServicesAndMethods) {
  const CliResult result = Run({"list"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("udsrpc.testing.Test\n"),
                                HasSubstr("  Echo(udsrpc.testing.EchoRequest) returns (udsrpc.testing.EchoReply)\n"),
                                HasSubstr("  Chat(stream udsrpc.testing.EchoRequest) returns (stream "),
                                HasSubstr("grpc.reflection.v1alpha.ServerReflection\n")));
  EXPECT_EQ(result.err, "");
}

TEST_P(InspectTest, ListOfAServiceIsWhatCallTakes) {
  const CliResult result = Run({"list", "udsrpc.testing.Test"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("udsrpc.testing.Test/Echo\nudsrpc.testing.Test/Fail\n"));
}

TEST_P(InspectTest, ListAsJson) {
  const CliResult result = Run({"list", "udsrpc.testing.Test", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(StartsWith("{\"services\":[{"), HasSubstr("\"method\":\"udsrpc.testing.Test/Chat\""),
                                HasSubstr("\"requestStream\":true")));
}

TEST_P(InspectTest, DescribeShowsAServiceAMethodAndAMessage) {
  EXPECT_THAT(Run({"describe", "udsrpc.testing.Test"}).out,
              AllOf(StartsWith("service Test {\n"), HasSubstr("rpc Chat(stream .udsrpc.testing.EchoRequest)")));
  const std::string method = Run({"describe", "udsrpc.testing.Test/Echo"}).out;
  EXPECT_THAT(method,
              AllOf(StartsWith("rpc Echo("), HasSubstr("\nmessage EchoRequest {"), HasSubstr("\nmessage EchoReply {")));
  EXPECT_EQ(Run({"describe", "/udsrpc.testing.Test/Echo"}).out, method);
  EXPECT_EQ(Run({"describe", "udsrpc.testing.Test.Echo"}).out, method);
  EXPECT_EQ(Run({"describe", "udsrpc.testing.EchoRequest"}).out, "message EchoRequest {\n  string text = 1;\n}\n");
}

TEST_P(InspectTest, WhatIsNotThereIsOneLineThatSaysWhatWasMeant) {
  ExpectError(Run({"list", "udsrpc.testing.Tset"}), kUsage, "did you mean udsrpc.testing.Test?");
  ExpectError(Run({"list", "Test"}), kUsage, "did you mean udsrpc.testing.Test?");
  ExpectError(Run({"list", "something.else.Entirely"}), kUsage, "there is no service something.else.Entirely there");
  ExpectError(Run({"list", "Test", "--json"}), kUsage, "did you mean udsrpc.testing.Test?");
  ExpectError(Run({"describe", "udsrpc.testing.EchoRequests"}), kUsage, "did you mean udsrpc.testing.EchoRequest?");
  ExpectError(Run({"describe", "EchoReply"}), kUsage, "did you mean udsrpc.testing.EchoReply?");
  ExpectError(Run({"describe", "x.y.Unheard.Of"}), kUsage, "there is nothing of the name x.y.Unheard.Of there");
}

TEST_P(InspectTest, ProtoFilesServeWhereReflectionDoesNot) {
  const std::string proto = UDSRPC_TEST_PROTO_ROOT "/tests/proto/testing.proto";
  const CliResult result = Run({"describe", "udsrpc.testing.LookReply", "--proto=" + proto});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("  // Microseconds until the deadline, or -1 without one.\n"));
  EXPECT_THAT(Run({"list", "--proto=tests/proto/testing.proto", "--proto_path=" UDSRPC_TEST_PROTO_ROOT}).out,
              AllOf(HasSubstr("udsrpc.testing.Impostor"), Not(HasSubstr("grpc.reflection"))));
  EXPECT_THAT(Run({"describe", "udsrpc.testing.Extended", "--proto=tests/proto/testing.proto", "--proto",
                   "tests/proto/extended.proto", "--proto_path=" UDSRPC_TEST_PROTO_ROOT})
                  .out,
              AllOf(HasSubstr("required int32 id = 1;"), HasSubstr("google.protobuf.Any anything")));
}

TEST(ProtoFilesTest, WhatIsWrongWithThemIsOneLine) {
  const TempDir dir;
  const std::string broken = dir.File("broken.proto");
  std::FILE* const file = std::fopen(broken.c_str(), "w");
  std::fputs("syntax = \"proto3\";\nmessage M {\n  string name = ;\n}\n", file);
  std::fclose(file);
  ExpectError(RunCli({"list", "unix:/nowhere/s", "--proto=" + broken}), kUsage, "broken.proto:3:17: ");
  ExpectError(RunCli({"list", "unix:/nowhere/s", "--proto=not_there.proto"}), kUsage,
              "not_there.proto: File not found");
  std::remove(broken.c_str());
}

}  // namespace
}  // namespace udsrpc::testing
