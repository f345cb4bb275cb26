// examples/python: its greeter calls, and is called by, the one in C++.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/examples/example_programs.h"

namespace udsrpc::testing {
namespace {

class PythonTest : public ExampleTest {
 protected:
  static Process StartPython(const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {"/usr/bin/env", "PYTHONPATH=" PYTHON_GREETER, "PYTHONDONTWRITEBYTECODE=1",
                                        "/usr/bin/python3", absl::StrCat(PYTHON_EXAMPLE "/", program)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return Start(command);
  }

  const std::string endpoint_ = Endpoint("greeter");
};
INSTANTIATE_TEST_SUITE_P(All, PythonTest, ::testing::Values(Transport::kSeqpacket), NameOfTransport);

TEST_P(PythonTest, ItsServerAnswersBothClients) {
  const Process server = StartPython("greeter_server.py", {endpoint_});
  ASSERT_EQ(NextLine(server), "serving " + endpoint_);
  EXPECT_EQ(NextLine(Start({GREETER_CLIENT, Flag(GetParam()), endpoint_})), "Hello, world!");
  EXPECT_EQ(NextLine(StartPython("greeter_client.py", {endpoint_, "Monty"})), "Hello, Monty!");
  EXPECT_EQ(Start({GREETER_CLIENT, Flag(GetParam()), "--name=", endpoint_})->Wait(kPatience), 1);
  Terminate(server);
}

TEST_P(PythonTest, ItsClientCallsTheServerInCpp) {
  const Process server = StartServer({GREETER_SERVER, endpoint_});
  EXPECT_EQ(NextLine(StartPython("greeter_client.py", {endpoint_})), "Hello, world!");
  EXPECT_EQ(StartPython("greeter_client.py", {endpoint_, ""})->Wait(kPatience), 1);
  Terminate(server);
  EXPECT_EQ(StartPython("greeter_client.py", {endpoint_})->Wait(kPatience), 1);
}

}  // namespace
}  // namespace udsrpc::testing
