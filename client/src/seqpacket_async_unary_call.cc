#include "client/src/seqpacket_async_unary_call.h"

#include <utility>

#include "common/src/call_errors.h"

namespace udsrpc {

SeqpacketAsyncUnaryCall::~SeqpacketAsyncUnaryCall() {
  {
    internal::MutexLock lock(mutex_);
    turn_.AwaitOthers(mutex_);
    turn_.MarkGone();
    if (over()) return;
    MarkAbandoned();  // so that it is not told any more, from now on
  }
  Abandon();
}

void SeqpacketAsyncUnaryCall::StartCall(Done done) {
  done_ = std::move(done);
  try {
    Begin(&request_, /*half_close=*/true, &response_);
  } catch (...) {
    const Done unwanted = std::move(done_);  // it may own the call
    throw;
  }
}

void SeqpacketAsyncUnaryCall::Proceed() {
  if (on_connection()) {
    SentRequest();
    // Asked before the reply is looked for, which has come whole by then: another thread may be reading the connection,
    // and what it reads behind a look may be the rest and the end.
    const bool ended = connection().LookAt(call()).ended;
    if (!reply_) reply_ = TryRead(response_);
    if (!ended || !Over()) return mutex_.Unlock();
  }
  absl::Status result = status();
  if (result.ok() && reply_ == MessageReader::Outcome::kMalformed) {
    result = MalformedMessageError(method_.path, "the reply", response_);
  }
  if (result.ok() && reply_ == MessageReader::Outcome::kMessage) {
    ActiveCall::Sizes(context_).OnReceived(reader().message_bytes());
  }
  Done done = std::move(done_);
  bool gone = false;
  turn_.Enter(std::nullopt, &gone);
  mutex_.Unlock();
  std::move(done)(std::move(result));
  if (gone) return;
  mutex_.Lock();
  turn_.Leave();
  mutex_.Unlock();
}

}  // namespace udsrpc
