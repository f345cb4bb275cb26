// A backend, which takes its time:
//
//   fanout_backend ENDPOINT NAME DELAY_MS
//
// It prints a line when it is asked, and one when it has answered, or nobody waits for the answer any more.

#include <iostream>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fanout.udsrpc.pb.h"
#include "serve.h"
#include "udsrpc/wait.h"

// README: backend
class Backend final : public fanout::BackendService {
 public:
  Backend(std::string name, absl::Duration delay) : name_(std::move(name)), delay_(delay) {}

 private:
  udsrpc::Task<absl::Status> AskAsync(udsrpc::ServerContext& /*context*/, const fanout::Question& question,
                                      fanout::Answer& answer) override {
    Print("is asked");
    const bool slept = co_await udsrpc::Sleep(delay_);
    if (!slept) {
      Print("was cancelled");
      co_return absl::CancelledError("nobody waits any more");
    }
    answer.set_text(absl::StrCat(question.text(), ", says ", name_));
    Print("has answered");
    co_return absl::OkStatus();
  }

  // One write a line, as calls print at a time.
  void Print(const char* what) const { std::cout << absl::StrCat(name_, " ", what, "\n") << std::flush; }

  const std::string name_;
  const absl::Duration delay_;
};
// README: end

int main(int argc, char** argv) {
  int milliseconds;
  if (argc != 4 || !absl::SimpleAtoi(argv[3], &milliseconds)) {
    std::cerr << "fanout_backend: give an endpoint, such as unix:/run/backend.sock, a name, and a delay in ms\n";
    return 1;
  }
  Backend backend(argv[2], absl::Milliseconds(milliseconds));
  return Serve("fanout_backend", argv[1], backend);
}
