#ifndef UDSRPC_TOOLS_EXIT_CODE_H_
#define UDSRPC_TOOLS_EXIT_CODE_H_

#include <string>
#include <utility>

namespace udsrpc::tools {

// What a script learns from a command.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // the server was reached, and what was asked for failed, or the output could not be written
  kUsage = 2,        // the command line, or what it names, is wrong: nothing was done
  kUnreachable = 3,  // nobody answers there, or not in time, or this user may not connect
  // A signal has ended what would have gone on: as of a process that it has ended, which most commands are.
  kInterrupted = 128 + 2,  // SIGINT
  kTerminated = 128 + 15,  // SIGTERM
};

// How a command has ended. Its message is printed by main alone, so that it is printed once: one line that says what is
// wrong and what to try; empty where there is nothing to say.
struct Outcome {
  ExitCode code = ExitCode::kOk;
  std::string message = {};

  static Outcome Ok() { return {}; }
  static Outcome Failed(std::string message) { return {ExitCode::kFailed, std::move(message)}; }
  static Outcome Usage(std::string message) { return {ExitCode::kUsage, std::move(message)}; }
  static Outcome Unreachable(std::string message) { return {ExitCode::kUnreachable, std::move(message)}; }
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_EXIT_CODE_H_
