// Calls as a user makes them with the command.

#include <signal.h>

#include <string>

#include "tests/tools/served.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CallTest : public ServedTest {};

INSTANTIATE_TEST_SUITE_P(All, CallTest, ::testing::Values(Served::kSeqpacket, Served::kGrpc, Served::kStock),
                         ServedName);

TEST_P(CallTest, AUnaryMethodInEachWayOfNamingIt) {
  for (const char* method : {"udsrpc.testing.Test/Echo", "/udsrpc.testing.Test/Echo", "udsrpc.testing.Test.Echo"}) {
    const CliResult result = Run({"call", method, R"({"text": "hé\n"})"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "{\n \"text\": \"hé\\n\"\n}\n") << method;
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(Run({"call", "udsrpc.testing.Test/Echo", "{\"text\":\"a\"}", "--json"}).out, "{\"text\":\"a\"}\n");
  EXPECT_EQ(Run({"call", "udsrpc.testing.Test/Echo", "-", "--json"}, "{\n\"text\":\n\"b\"}\n").out,
            "{\"text\":\"b\"}\n");
  EXPECT_EQ(Run({"call", "udsrpc.testing.Test/Echo", "--json"}, "not looked at").out, "{}\n");
}

TEST_P(CallTest, StreamsOfEachKind) {
  CliResult result = Run({"call", "udsrpc.testing.Test/Count", R"({"bytes": "2", "messages": 3})"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "{\"text\":\"xx\"}\n{\"text\":\"xx\"}\n{\"text\":\"xx\"}\n");
  const std::string lines = "{\"text\":\"one\"}\n\n  {\"text\":\"three\"}";
  result = Run({"call", "udsrpc.testing.Test/Collect", "--json"}, lines);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "{\"messages\":\"2\",\"bytes\":\"8\"}\n");
  result = Run({"call", "udsrpc.testing.Test/Chat"}, lines);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "{\"text\":\"one\"}\n{\"text\":\"three\"}\n");
  EXPECT_EQ(Run({"call", "udsrpc.testing.Test/Chat", "{\"text\":\"1\"}"}).out, "{\"text\":\"1\"}\n");
}

TEST_P(CallTest, AnswersArePrintedAsTheyCome) {
  ChildProcess chat(CliArguments(Words({"call", "udsrpc.testing.Test/Chat"})));
  for (const char* line : {R"({"text":"first"})", R"({"text":"second"})"}) {
    ASSERT_TRUE(chat.WriteLine(line));
    EXPECT_EQ(chat.ReadLine(), line);
  }
  chat.CloseInput();
  EXPECT_EQ(chat.ReadLine(), std::nullopt);
  EXPECT_EQ(chat.Wait(), 0);
}

TEST_P(CallTest, InterruptingItCancelsTheCall) {
  for (const int signal : {SIGINT, SIGTERM}) {
    ChildProcess chat(CliArguments(Words({"call", "udsrpc.testing.Test/Chat", "--timeout=inf"})));
    ASSERT_TRUE(chat.WriteLine("{}"));
    EXPECT_EQ(chat.ReadLine(), "{}");
    chat.Kill(signal);
    EXPECT_EQ(chat.Wait(), 128 + signal);
  }
}

TEST_P(CallTest, AStatusIsOneLine) {
  ExpectError(Run({"call", "udsrpc.testing.Test/Fail", R"({"code": 5, "message": "not\nhere"})"}), kFailed,
              "udsrpc call: NOT_FOUND: not here\n");
  ExpectError(Run({"call", "udsrpc.testing.Test/Echo", "--timeout=1ns"}), kUnreachable, "--timeout");
}

TEST_P(CallTest, WhatIsWrongWithARequestIsOneLine) {
  const std::string echo = "udsrpc.testing.Test/Echo";
  ExpectError(Run({"call", echo, R"({"text" "a"})"}), kUsage,
              "the request is no udsrpc.testing.EchoRequest in JSON: Expected : between key:value pair, at \"a\"}");
  ExpectError(Run({"call", echo, R"({"text": "a")"}), kUsage, ", at the end\n");
  ExpectError(Run({"call", echo, R"({"txet": "a"})"}), kUsage, "txet: Cannot find field");
  ExpectError(Run({"call", echo, R"({"text": {}})"}), kUsage, "in JSON");
  ExpectError(Run({"call", echo, ""}), kUsage, ", at the end\n");
  ExpectError(Run({"call", echo, "3"}), kUsage, "in JSON: Root element");
  const CliResult result = Run({"call", "udsrpc.testing.Test/Chat"}, "{\"text\":\"good\"}\n{bad}\n{\"text\":\"no\"}\n");
  EXPECT_EQ(result.code, kFailed) << "the first was sent";
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("udsrpc call: line 2: the request is no "), HasSubstr("; the call was cancelled\n")));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_THAT(result.out, Not(HasSubstr("no")));
  ExpectError(Run({"call", "udsrpc.testing.Test/Chat"}, "\n{bad}\n"), kUsage, "line 2: the request is no ");
}

TEST_P(CallTest, AWrongMethodIsOneLineThatSaysWhatWasMeant) {
  ExpectError(Run({"call", "udsrpc.testing.Test/Ecko"}), kUsage, "did you mean udsrpc.testing.Test/Echo?");
  ExpectError(Run({"call", "udsrpc.testing.Test/SomethingElse"}), kUsage, "it has Echo, Fail, Look");
  ExpectError(Run({"call", "udsrpc.testing.Tests/Echo"}), kUsage, "did you mean udsrpc.testing.Test?");
  ExpectError(Run({"call", "Test/Echo"}), kUsage, "did you mean udsrpc.testing.Test?");
  ExpectError(Run({"call", "Echo"}), kUsage, "did you mean udsrpc.testing.Test/Echo?");
  ExpectError(Run({"call", "Nothing"}), kUsage, "Nothing names no method; it is package.Service/Method");
  ExpectError(Run({"call", "/"}), kUsage, "it is package.Service/Method");
  for (const char* service : {"udsrpc.testing.Test", "/udsrpc.testing.Test", "udsrpc.testing.Test/"}) {
    ExpectError(Run({"call", service}), kUsage,
                "udsrpc.testing.Test is a service; name a method of it, such as udsrpc.testing.Test/Echo\n");
  }
}

TEST_P(CallTest, WhatAServerSaysDoesNotReachTheTerminalAsControls) {
  ExpectError(
      Run({"call", "udsrpc.testing.Test/Fail", R"({"code": 9, "message": "\u001b[31m \u0007 \u009b \"é\" \\"})"}),
      kFailed,
      R"(udsrpc call: FAILED_PRECONDITION: \x1b[31m \x07 \xc2\x9b "é" \)"
      "\n");
}

TEST_P(CallTest, LostOutputIsAFailure) {
  for (const char* method : {"udsrpc.testing.Test/Echo", "udsrpc.testing.Test/Chat"}) {
    ExpectError(RunCliInto("/dev/full", Words({"call", method, "{\"text\":\"a\"}"})), kFailed,
                "cannot write the output: No space left on device\n");
  }
}

// Of what only our test service has.
class OwnCallTest : public ServedTest {};

INSTANTIATE_TEST_SUITE_P(All, OwnCallTest, ::testing::Values(Served::kSeqpacket, Served::kGrpc), ServedName);

TEST_P(OwnCallTest, MetadataGoesBothWaysAndVerboseShowsIt) {
  const CliResult result =
      Run({"call", "udsrpc.testing.Test/Look",
           R"({"initialMetadata": [{"key": "first", "value": "YQ=="}],
                                    "trailingMetadata": [{"key": "last-bin", "value": "AP8="}]})",
           "--metadata=Key: one", "--metadata", "key:two", "--metadata=raw-bin: AQI=", "--verbose"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("\"value\": \"b25l\""), HasSubstr("\"value\": \"dHdv\""),
                    HasSubstr("\"value\": \"AQI=\""), HasSubstr("\"method\": \"/udsrpc.testing.Test/Look\"")));
  EXPECT_EQ(result.err, "> key: one\n> key: two\n> raw-bin: AQI=\n< first: a\n< last-bin: AP8=\nstatus: OK\n");
  ExpectError(Run({"call", "udsrpc.testing.Test/Echo", "--metadata=raw-bin: ?"}), kUsage, "raw-bin is not base64");
}

TEST_P(OwnCallTest, DetailsOfAStatusAreDecodedWhereTheirTypeIsKnown) {
  const CliResult result = Run({"call", "udsrpc.testing.Test/Fail",
                                R"({"code": 9, "message": "no", "payloads": [
                                    {"key": "type.googleapis.com/udsrpc.testing.EchoReply", "value": "CgF4"},
                                    {"key": "type.googleapis.com/some.Unknown", "value": "AP8="}]})"});
  EXPECT_EQ(result.code, kFailed);
  EXPECT_THAT(result.err, AllOf(HasSubstr("detail: udsrpc.testing.EchoReply {\"text\":\"x\"}\n"),
                                HasSubstr("detail: type.googleapis.com/some.Unknown AP8= (base64)\n"),
                                HasSubstr("udsrpc call: FAILED_PRECONDITION: no\n")));
}

TEST_P(OwnCallTest, InterruptingItIsSeenByTheHandler) {
  ChildProcess block(CliArguments(Words({"call", "udsrpc.testing.Test/Block", "{\"gate\":\"g\"}", "--timeout=inf"})));
  ASSERT_TRUE(service_.AwaitArrivals("g", 1));
  block.Kill(SIGINT);
  EXPECT_EQ(block.Wait(), 128 + SIGINT);
  EXPECT_TRUE(service_.AwaitCancelled("g", 1));
}

TEST_P(OwnCallTest, AStreamThatTheServerEndsDoesNotWaitForInput) {
  ChildProcess chat(CliArguments(Words({"call", "udsrpc.testing.Test/Chat"})));
  ASSERT_TRUE(chat.WriteLine("{\"text\":\"abort\"}"));
  EXPECT_EQ(chat.Wait(), kFailed);
}

}  // namespace
}  // namespace udsrpc::testing
