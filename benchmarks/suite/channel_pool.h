#ifndef UDSRPC_BENCHMARKS_SUITE_CHANNEL_POOL_H_
#define UDSRPC_BENCHMARKS_SUITE_CHANNEL_POOL_H_

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace udsrpc::benchmarks {

// Channels of a system whose channels serve one thread at a time: as many as there are threads that call at a time.
// Thread-safe.
template <typename Channel>
class ChannelPool {
 public:
  // The first is opened here, so that no call of a single thread waits for it.
  explicit ChannelPool(std::function<std::unique_ptr<Channel>()> open) : open_(std::move(open)) {
    idle_.push_back(open_());
  }

  // A channel that is the caller's own until this ends.
  class Lease {
   public:
    explicit Lease(ChannelPool& pool) : pool_(pool), channel_(pool.Take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_.Return(std::move(channel_)); }

    Channel& operator*() const { return *channel_; }
    Channel* operator->() const { return channel_.get(); }

   private:
    ChannelPool& pool_;
    std::unique_ptr<Channel> channel_;
  };

 private:
  std::unique_ptr<Channel> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Channel> channel = std::move(idle_.back());
        idle_.pop_back();
        return channel;
      }
    }
    return open_();
  }
  void Return(std::unique_ptr<Channel> channel) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(channel));
  }

  const std::function<std::unique_ptr<Channel>()> open_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Channel>> idle_;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_CHANNEL_POOL_H_
