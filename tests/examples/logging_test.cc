// examples/logging: what is logged of a call that takes two servers.

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/examples/example_programs.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class LoggingTest : public ExampleTest {
 protected:
  static std::string TraceOf(const std::string& line) {
    const size_t at = line.find(", trace ");
    return at == std::string::npos ? "(no trace)" : line.substr(at + 8, 32);
  }
  const std::string back_ = Endpoint("back");
  const std::string front_ = Endpoint("front");
};
INSTANTIATE_TEST_SUITE_P(All, LoggingTest, BothTransports(), NameOfTransport);

TEST_P(LoggingTest, OneTraceGoesThroughBothServers) {
  const Process back = StartServer({LOGGING_GREETER, back_});
  const Process front = Start({LOGGING_GREETER, Flag(GetParam()), "--next=" + back_, front_});
  EXPECT_EQ(NextLine(front), "serving " + front_);
  const Process client = Start({GREETER_CLIENT, Flag(GetParam()), front_});
  EXPECT_EQ(NextLine(client), "Hello, world!");
  EXPECT_EQ(client->Wait(kPatience), 0);
  const std::string at_back = NextLine(back);
  EXPECT_THAT(at_back,
              MatchesRegex("served /helloworld.Greeter/SayHello OK in [0-9]+ us, trace [0-9a-f]+, for process .*"));
  EXPECT_THAT(at_back, HasSubstr(absl::StrCat("for process ", front->pid())));
  const std::string called = NextLine(front);
  EXPECT_THAT(called, MatchesRegex("called /helloworld.Greeter/SayHello OK in [0-9]+ us, trace [0-9a-f]+"));
  const std::string served = NextLine(front);
  EXPECT_THAT(served, HasSubstr(absl::StrCat("for process ", client->pid())));
  EXPECT_EQ(TraceOf(at_back), TraceOf(called));
  EXPECT_EQ(TraceOf(at_back), TraceOf(served));
  Terminate(front);
  EXPECT_THAT(NextLine(front), HasSubstr(absl::StrCat("SayHello at ", back_, " 1 times, 0 failed, p99 ")));
  Terminate(back);
}

TEST_P(LoggingTest, AnErrorIsLoggedWithWhatItSays) {
  const Process server = StartServer({LOGGING_GREETER, back_});
  const Process client = Start({GREETER_CLIENT, Flag(GetParam()), "--name=", back_});
  EXPECT_EQ(client->Wait(kPatience), 1);
  EXPECT_THAT(NextLine(server), HasSubstr("SayHello INVALID_ARGUMENT in "));
  Terminate(server);
}

}  // namespace
}  // namespace udsrpc::testing
