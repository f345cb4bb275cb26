#ifndef UDSRPC_BENCHMARKS_ASYNC_CALLS_STOCK_H_
#define UDSRPC_BENCHMARKS_ASYNC_CALLS_STOCK_H_

#include <functional>
#include <string>

#include "absl/time/time.h"

namespace udsrpc::benchmarks {

// gRPC's own generated stub, which the others are held against.
class StockEchoes {
 public:
  explicit StockEchoes(const std::string& target);

  // Calls, one after the other, for as long as `next` says so; it gets the reply. Ends the program where a call fails.
  using Next = std::function<bool(const std::string& reply)>;
  void CallBlocking(const std::string& bytes, absl::Duration timeout, const Next& next) const;
  // The same through gRPC's callbacks; `ended` is called when there is no more.
  void CallWithCallbacks(const std::string& bytes, absl::Duration timeout, Next next,
                         std::function<void()> ended) const;

 private:
  struct Stub;
  // Never destroyed: as the last channel with callbacks goes, gRPC 1.51 now and then frees their queue twice.
  Stub& stub_;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_ASYNC_CALLS_STOCK_H_
