#ifndef UDSRPC_CLIENT_START_QUEUE_H_
#define UDSRPC_CLIENT_START_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/src/deadline.h"

namespace udsrpc {

// Of a channel: the asynchronous calls that cannot start at once, because there is no connection for them. A thread,
// started when it is needed, tries to connect and tells them. It also tells those that fail before they begin, so that
// no completion runs within the function that makes its call. Takes 120 bytes as long as no call comes to it.
// Thread-safe.
class StartQueue {
 public:
  // How an attempt to connect ended.
  struct Attempt {
    absl::StatusCode code = absl::StatusCode::kOk;
    std::string message;
    int error = 0;  // connect(2)'s errno
  };
  // Makes one; blocks for some 20 ms at most.
  using Connect = absl::AnyInvocable<Attempt()>;

  // A call that waits.
  class Entry {
   public:
    virtual ~Entry() = default;

   protected:
    // Once for each Add or Post, by the queue's thread, which does not touch the entry afterwards. OK: there is a
    // connection, or was one a moment ago.
    virtual void OnStart(absl::Status status) = 0;

   private:
    friend class StartQueue;
    // The queue's, guarded by its mutex.
    Deadline deadline_;
    bool wait_for_ready_ = false;
    bool cancelled_ = false;
    Deadline patience_;  // how long it waits for room in a backlog
    std::optional<Deadline> not_before_;
    uint64_t attempts_before_ = 0;
    // What it is to be told.
    absl::Status status_;
  };

  // `name` stands for the endpoint in messages.
  StartQueue(std::string name, Connect connect);
  // No entry waits. Waits for the thread, unless the thread calls.
  ~StartQueue();
  StartQueue(const StartQueue&) = delete;
  StartQueue& operator=(const StartQueue&) = delete;

  // Has the entry told when there is a connection, or that there is none: at once, or for one that waits for ready when
  // `deadline` has passed (DEADLINE_EXCEEDED), and where another attempt could not succeed. std::system_error: there is
  // no thread to tell it; then it does not wait. So with Post. Whatever there is, it is not told before `pause` is
  // over.
  void Add(Entry& entry, const Deadline& deadline, bool wait_for_ready, absl::Duration pause = absl::ZeroDuration());
  // Has it told this.
  void Post(Entry& entry, absl::Status status);
  // Where it waits it is told CANCELLED.
  void Cancel(Entry& entry);
  // It is not being told, unless by the calling thread, and will not be.
  void Remove(Entry& entry);

  // Whether none waits, nor is being told.
  bool idle() const;

 private:
  struct State;
  State& Made();

  std::once_flag once_;  // of what is below, and moved there
  std::string name_;
  Connect connect_;
  std::shared_ptr<State> state_;
  std::atomic<State*> made_{nullptr};
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_START_QUEUE_H_
