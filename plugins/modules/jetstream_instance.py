#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_instance
short_description: Launch and delete Jetstream instances
version_added: 1.0.0
description:
  - Launches missing instances, changes instances that differ, or deletes instances, in one task. Properties that are
    not set are not changed.
  - All instances are listed once, launched in parallel, and waited for together. If some fail, the others continue, the
    task fails at the end, and RV(instances) has them all.
  - A launch is never repeated blindly. Each request has a unique mark, and if its response is lost, the instance is
    searched before another request. The next run finds the instances that a killed run left behind.
  - If the cloud has too few hosts, launched instances are kept, failed ones are removed, and the next run continues.
  - Results and C(--diff) have the cost in service units (SU) per hour, also in check mode, by O(rates).
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
options:
  state:
    description:
      - V(present) ensures that every named instance exists. A stopped or shelved instance exists, and keeps its state.
      - V(absent) deletes the named instances. For a template, only instances that this module launched for it are
        deleted. On Atmosphere, records of that are in C(~/.local/state/jetstream/launches).
    type: str
    default: present
    choices:
      - present
      - absent
  name:
    description:
      - The name of an instance. With O(count), or with V({number}) in it, it is a template of numbered names.
      - V({number}) stands for the number, V({number:02}) for at least two digits. Without it, the number follows the
        name and a hyphen.
    type: str
  names:
    description:
      - The names of several instances, such as one for each student. An empty list means none.
    type: list
    elements: str
  count:
    description:
      - The number of instances of the template O(name).
      - Numbers are stable. The lowest free numbers are filled first, and the highest are deleted first.
      - An instance with a name of the template counts even if it was launched elsewhere. Then it is not changed.
    type: int
  shrink:
    description:
      - Whether to delete the instances of the template beyond O(count), those with the highest numbers.
      - Only those that this module launched for this template are deleted.
      - If the task itself runs on one of them, it fails before anything is changed.
    type: bool
    default: false
  image:
    description:
      - The name or UUID of the image. Required if an instance is missing.
      - If several images have the name, the newest of the project is used, otherwise the newest public one. Community
        images, which every user can publish under any name, and hidden images, which their owners have withdrawn,
        require the UUID. M(jetstream.cloud.jetstream_image_info) finds hidden images with O(ignore:hidden).
    type: str
  flavor:
    description:
      - The name or ID of the flavor. Required if an instance is missing.
      - An instance of another flavor is resized, which reboots it. A disk cannot shrink, and flavors with whole GPUs
        cannot be resized.
    type: str
    aliases:
      - size
  network:
    description:
      - The name or UUID of the network.
      - By default, C(auto_allocated_network), which is created if the project has no network yet, or the only network
        of the project.
    type: str
  key_name:
    description:
      - The name of the key pair whose public key the instances get.
    type: str
  public_key:
    description:
      - A public key, a line such as C(ssh-ed25519 AAAAC3Nza... name@host). If an instance is missing and there is no
        key pair O(key_name), the key is imported under that name first.
      - If that key pair has another key, the task fails. To replace it, use M(jetstream.cloud.jetstream_keypair).
    type: str
  public_key_file:
    description:
      - The file with O(public_key), on the host of the task.
    type: path
  security_groups:
    description:
      - Names or UUIDs of security groups. By default, the group C(default) of the cloud, which allows no incoming
        connections on Jetstream2. An empty list means none.
    type: list
    elements: str
  user_data:
    description:
      - User data, such as a configuration for cloud-init. The maximum of Nova is 65535 characters in base64, which are
        48 kB. Larger data are refused before any request.
      - Results and logs do not show it, since it often contains passwords.
    type: str
  user_data_file:
    description:
      - A file with O(user_data), such as C(cloud-init.yml), on the host of the task. To fill in variables, use
        C(lookup('ansible.builtin.template', 'cloud-init.yml.j2')) as O(user_data) instead.
    type: path
  user_data_by_name:
    description:
      - User data of single instances by name. All others get O(user_data).
      - So the user data of an instance, which all its users can read, do not contain passwords of other instances.
    type: dict
  metadata:
    description:
      - Metadata, each key with one value. Other keys are not changed.
    type: dict
  description:
    description:
      - The description.
    type: str
  boot_volume:
    description:
      - The volume to boot launched instances from, instead of a disk of their host. Volumes have a separate quota,
        which is small by default.
    type: dict
    suboptions:
      size:
        description:
          - Its size in GB.
        type: int
        required: true
      deleted_with_instance:
        description:
          - Whether the cloud deletes it with the instance.
        type: bool
        default: true
  floating_ip:
    description:
      - V(auto) ensures that each instance has a floating IP. An instance without one gets a new one.
      - An address is a floating IP of the project. If another instance has it, the task fails before
        anything is launched.
      - V(none) detaches floating IPs, which stay with the project.
      - By default, launched instances get no floating IP, and existing instances keep theirs.
    type: str
  project:
    description:
      - The name or UUID of the project of launched instances. Required on Atmosphere if there are several. On
        Jetstream2, only the project of the login is accepted.
    type: str
  allocation_source:
    description:
      - The name or UUID of the allocation that pays. Required on Atmosphere if there are several. Not accepted on
        Jetstream2, where the flavor decides.
    type: str
  identity:
    description:
      - The account for the launch, by its UUID, or by the name or UUID of its provider. Required on Atmosphere if there
        are several. Not accepted on Jetstream2.
    type: str
  locked:
    description:
      - Whether to lock the instances against changes. This module does not change a locked instance either, unless this
        is V(false).
    type: bool
  owner:
    description:
      - Select only instances of these owners. V(me) is the account itself, V(any) is every user whose instances it can
        see. Other values are names or globs of users.
      - Instances that this module launched for other members of the project are always selected. The name of any other
        instance of another user fails the task.
    type: list
    elements: str
    default: [me]
  new_name:
    description:
      - The new name of the instance O(name). If there is no instance of the old name, the task refers to the instance
        of the new name.
      - The host name inside the instance is not changed.
    type: str
  replace:
    description:
      - Whether to delete and launch an instance again if it differs in O(image), O(key_name) or O(boot_volume), which
        cannot be changed in place. All data on its disk are lost.
      - Without it, such a difference fails the task.
      - A site replaces its images under the same names. An instance does not differ if its image has the name that it
        was launched by.
    type: bool
    default: false
  exosphere:
    description:
      - Whether launched instances get the metadata by which Exosphere, the web page of Jetstream2, manages them.
    type: bool
    default: true
  initial_state:
    description:
      - The initial state of launched instances. A shelved instance costs nothing until it is started. With
        O(wait_for=setup), it is set up before it is shelved.
    type: str
    default: started
    choices:
      - started
      - shelved
  wait_for:
    description:
      - With V(active), an instance is ready when it runs. With V(address), it has an address as well. With V(ssh), its
        port 22 can be reached from the host of the task.
      - With V(setup), its setup has completed as well. On Jetstream2, the lines of Exosphere or the last message of
        cloud-init on its console show that, and the message of a failure has the line. On Atmosphere, an instance is
        active only after its deployment.
    type: str
    default: active
    choices:
      - active
      - address
      - ssh
      - setup
  capacity_retries:
    description:
      - The number of consecutive batches that may find no host. If the cloud has no host for an instance, its launch is
        retried in batches of 4, after growing pauses.
    type: int
    default: 2
  include_locked:
    description:
      - Whether to delete locked instances as well. Their owners locked them to prevent changes.
    type: bool
    default: false
  delete_volumes:
    description:
      - Whether to delete volumes that are attached to a deleted instance. Otherwise they are detached and kept.
      - If the run is killed, the next run with the same options deletes the remaining ones.
    type: bool
    default: false
  release_floating_ip:
    description:
      - Whether to release the floating IP of a deleted instance, if this module created it for that instance. Otherwise
        it stays with the project, and counts in its quota.
      - With O(replace), an address that O(floating_ip) names is kept for the new instance.
      - Not accepted on Atmosphere, which releases it itself.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until every instance is ready or deleted.
      - Without it, RV(ignore:changed) means that the cloud has accepted the requests. An instance that is still being
        built or resized, and differs, fails.
    type: bool
    default: true
  wait_timeout:
    description:
      - The timeout in seconds for all instances together to be ready or deleted. The others have failed.
    type: float
    default: 1800.0
notes:
  - Atmosphere has no key pairs, security groups, user data, metadata and locks, and assigns a floating IP to each
    instance itself. It does not accept such options. It stores no marks either, so instances are deleted by their
    names.
seealso:
  - module: jetstream.cloud.jetstream_instance_state
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Launch an instance, and wait until it can be reached
  jetstream.cloud.jetstream_instance:
    name: head
    image: Featured-Ubuntu24
    flavor: m3.quad
    key_name: laptop
    security_groups: [ssh]
    floating_ip: auto
    wait_for: ssh

- name: Launch an instance with this machine's key, and wait until cloud-init has set it up
  jetstream.cloud.jetstream_instance:
    name: head
    image: Featured-Ubuntu24
    flavor: m3.quad
    key_name: laptop
    public_key_file: ~/.ssh/id_ed25519.pub
    user_data_file: cloud-init.yml
    security_groups: [ssh]
    floating_ip: auto
    wait_for: setup

- name: Launch an instance for each student, shelved until the course begins
  jetstream.cloud.jetstream_instance:
    names: [alice, bob, carol]
    image: Featured-Ubuntu24
    flavor: m3.small
    initial_state: shelved
    metadata:
      course: geo-101

- name: Ensure that there are ten workers, worker-01 to worker-10
  jetstream.cloud.jetstream_instance:
    name: worker-{number:02}
    count: 10
    image: Featured-Ubuntu24
    flavor: m3.medium

- name: Show their cost without launching them
  jetstream.cloud.jetstream_instance:
    name: worker-{number:02}
    count: 10
    image: Featured-Ubuntu24
    flavor: m3.medium
  check_mode: true
  register: foreseen

- name: Show the output
  ansible.builtin.debug:
    msg: "They would cost {{ '-' if cost is none else cost }} SU per hour"
  vars:
    cost: "{{ foreseen.su_per_hour.difference }}"

- name: Keep four of them, and delete the highest numbers
  jetstream.cloud.jetstream_instance:
    name: worker-{number:02}
    count: 4
    shrink: true
    image: Featured-Ubuntu24
    flavor: m3.medium

- name: Rename an instance, and give it more cores
  jetstream.cloud.jetstream_instance:
    name: head
    new_name: gateway
    flavor: m3.large

- name: Delete all workers, and nothing else
  jetstream.cloud.jetstream_instance:
    state: absent
    name: worker-{number:02}

- name: Delete the head with its volumes and its address
  jetstream.cloud.jetstream_instance:
    state: absent
    name: head
    delete_volumes: true
    release_floating_ip: true
"""

RETURN = r"""
instances:
  description:
    - Every named instance in the order of the names, then deleted ones with the highest numbers first, then instances
      that an earlier run deleted incompletely.
  returned: when the instances could be listed
  type: list
  elements: dict
  contains:
    name:
      description: The name. After a rename, the new one.
      type: str
      sample: worker-01
    id:
      description: The number that the web page shows. On Jetstream2, the UUID. V(null) if it was not launched.
      type: raw
    uuid:
      description: The UUID. V(null) if it was not launched.
      type: str
    ip_address:
      description: The floating IP. V(null) if it has none.
      type: str
      sample: 149.165.156.15
    addresses:
      description: All known addresses.
      type: list
      elements: str
    flavor:
      description: The name of the flavor. In check mode, the expected one.
      type: str
      sample: m3.quad
    su_per_hour:
      description: The cost in the state RV(instances[].after), in SU per hour. V(null) if unknown.
      type: float
      sample: 4
    before:
      description: State and activity before, or V(absent).
      type: str
      sample: absent
    after:
      description: The state and activity last observed, or V(absent). In check mode, the expected ones.
      type: str
      sample: active
    actions:
      description: The steps in order. In check mode, the expected steps.
      type: list
      elements: str
      sample: [launch, assign address]
    changed:
      description: Whether the cloud accepted a change.
      type: bool
    failed:
      description: Whether the desired state was not reached.
      type: bool
    skipped:
      description: Whether it was skipped because it is locked.
      type: bool
    unclear:
      description: Whether a request was sent with an unknown outcome.
      type: bool
    msg:
      description: The outcome in words.
      type: str
      sample: launch, then assign address done
    elapsed:
      description: Seconds until this instance was ready or deleted, or failed.
      type: float
      sample: 41.5
key_imported:
  description: Whether the key pair was imported. In check mode, whether it would be.
  returned: when the instances could be listed
  type: bool
su_per_hour:
  description:
    - The cost of all named instances together in SU per hour, by O(rates). In check mode, the expected cost.
    - An instance that is still being built counts with its future cost.
  returned: when the instances could be listed
  type: dict
  contains:
    before:
      description: The cost before the task. V(null) if no cost is known.
      type: float
      sample: 0
    after:
      description: The cost after the task.
      type: float
      sample: 12
    difference:
      description: The difference, negative for savings.
      type: float
      sample: 12
    unknown:
      description: The names of instances with an unknown cost before or after. They do not count here.
      type: list
      elements: str
summary:
  description: The numbers of instances.
  returned: when the instances could be listed
  type: dict
  contains:
    wanted:
      description: The number of desired instances.
      type: int
    present:
      description: The number of desired instances that exist.
      type: int
    launched:
      description: The number of launched instances.
      type: int
    deleted:
      description: The number of deleted instances.
      type: int
    unchanged:
      description: The number of unchanged instances.
      type: int
    skipped:
      description: The number of skipped instances.
      type: int
    failed:
      description: The number of failed instances.
      type: int
"""

from ..module_utils._internal.operations.instance import OPERATION, SPEC
from ..module_utils._internal.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
