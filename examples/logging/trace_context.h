#ifndef EXAMPLES_LOGGING_TRACE_CONTEXT_H_
#define EXAMPLES_LOGGING_TRACE_CONTEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "udsrpc/metadata.h"

// What the metadata `traceparent` says (W3C Trace Context, www.w3.org/TR/trace-context).
struct TraceContext {
  std::string trace_id;   // 32 hexadecimal digits: of all that is done for one request from outside
  std::string parent_id;  // 16: of the one call that this belongs to
  std::string flags;      // 2: 01 where the trace is recorded

  // A new trace, with this as its first call.
  static TraceContext Start();
  // Nothing where it is none.
  static std::optional<TraceContext> Parse(absl::string_view traceparent);
  static std::optional<TraceContext> Of(const udsrpc::Metadata& metadata);

  // Another call of the same trace.
  TraceContext Child() const;

  std::string ToString() const;
  // In the place of the one that `metadata` has.
  void PutInto(udsrpc::Metadata& metadata) const;
};

#endif  // EXAMPLES_LOGGING_TRACE_CONTEXT_H_
