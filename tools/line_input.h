#ifndef UDSRPC_TOOLS_LINE_INPUT_H_
#define UDSRPC_TOOLS_LINE_INPUT_H_

#include <string>

#include "udsrpc/unique_fd.h"

namespace udsrpc::tools {

// The lines of standard input, as they come; reading can be stopped while it waits for one.
class LineInput {
 public:
  LineInput();
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;

  // Blocks for the next line, without its newline. False: the end, or Stop.
  bool Next(std::string* line);
  // Of the line that was read last, from 1.
  int number() const { return number_; }
  // All that is left.
  std::string Rest();

  // Next gives false from now on, if it is waiting at once. By any thread.
  void Stop();

 private:
  // Waits for more. False: the end, or Stop.
  bool Fill();

  UniqueFd stop_;
  std::string buffer_;
  int number_ = 0;
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_LINE_INPUT_H_
